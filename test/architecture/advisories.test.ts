/** Every defence that docs/advisories.md tells of has the test that it names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const row = /^\| (?<advisory>[^|]+) \| [^|]+ \| `(?<file>[^`]+)`: (?<title>[^|]+) \|$/;

test('the tests against advisories exist under the titles that the page gives', () => {
  const lines = readFileSync(join(root, 'docs/advisories.md'), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && !line.startsWith('| Advisory'));
  assert.ok(rows.length > 25, `only ${rows.length} rows`);
  for (const line of rows) {
    const { file, title } = row.exec(line)?.groups ?? {};
    assert.ok(file !== undefined && title !== undefined, line);
    // Titles stand in code, where an apostrophe may be escaped.
    const code = readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'");
    assert.ok(code.includes(title), `${file} has no test of the title: ${title}`);
  }
});
