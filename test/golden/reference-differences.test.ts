/** Where the black-box suite asserts what the reference does not do: every mark of it, in the golden file beside. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '../..');
const golden = path.join(import.meta.dirname, 'reference-differences.txt');
const head = `What the reference (Debian 12's Glance 25, by \`test/services/glance-up\`) does otherwise than the black-box suite asserts,
file by file. Each line stands in the suite as \`differs('…')\`; what is so marked is not asserted of the reference.
`;

const mark = /\bdiffers\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;

/** The sentences of a file, each once, in their order. */
function sentencesIn(source: string): string[] {
  const found = [...source.matchAll(mark)].map(([, single, double]) => single ?? double ?? '');
  assert.equal(found.length, source.split('differs(').length - 1, 'every mark is a sentence as it stands');
  return [...new Set(found.map((one) => one.replaceAll(/\\(.)/g, '$1')))];
}

test('every difference from the reference is in the golden file', async () => {
  const parts = [head];
  for (const file of globSync('test/api/*.ts', { cwd: root }).sort()) {
    const sentences = sentencesIn(await readFile(path.join(root, file), 'utf8'));
    if (sentences.length > 0) parts.push(`${file}\n${sentences.map((one) => `  ${one}\n`).join('')}`);
  }
  const found = parts.join('\n');
  if (process.env.UPDATE_GOLDEN === '1') await writeFile(golden, found);
  assert.equal(found, await readFile(golden, 'utf8'), 'run with UPDATE_GOLDEN=1 to write the file again');
});
