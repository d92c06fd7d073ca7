/** Holds the whole tree to the import line, the boundaries between packages, and the sizes of files and functions. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { checkImports } from './architecture/cruise.ts';
import { checkFile, measureFiles, medianFileLines, ninetyFifthFileLines } from './architecture/form.ts';
import { readSourceTree } from './architecture/source-tree.ts';

const root = dirname(import.meta.dirname);
const files = readSourceTree(root);

test('every import goes the way the import line allows, and the cruiser saw all of them', async () => {
  const { findings, seen } = await checkImports(root, files);
  assert.deepEqual(findings, []);
  assert.equal(seen, files.length);
  assert.ok(files.length > 100, `only ${files.length} files found on disk`);
});

test('every file begins with its purpose, bears a telling name, and stays within the sizes', () => {
  assert.deepEqual(files.flatMap(checkFile), []);
});

test('files are small on the whole', () => {
  const { median, ninetyFifth } = measureFiles(files);
  assert.ok(median <= medianFileLines, `the median file has ${median} lines`);
  assert.ok(ninetyFifth <= ninetyFifthFileLines, `one file in twenty has ${ninetyFifth} lines or more`);
});
