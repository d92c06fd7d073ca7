/** The checks of `npm run check` find what they are for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLockfileFaults } from './lockfile.ts';
import { program, runStep, type Totals } from './run-step.ts';
import { findForbiddenWords } from './words.ts';

test('a lockfile that names an address, or lacks an integrity, is told', () => {
  const packages = {
    '': { name: 'whole' },
    'node_modules/part': { resolved: 'packages/part', link: true },
    'node_modules/good': { version: '1.0.0', integrity: 'sha512-AA==' },
    'node_modules/addressed': {
      version: '1.0.0',
      integrity: 'sha512-AA==',
      resolved: 'https://host.test/a.tgz',
    },
    'node_modules/unproved': { version: '1.0.0' },
    'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['aix'] },
    'node_modules/tool-elsewhere': { version: '1.0.0', dev: true, optional: true, os: ['aix'] },
  };
  assert.deepEqual(findLockfileFaults(JSON.stringify({ packages })), [
    'node_modules/addressed: names an address (host.test)',
    'node_modules/unproved: has no integrity, so anything would be installed',
    'node_modules/elsewhere: has no integrity, so anything would be installed',
  ]);
});

test('forbidden words are told with file and line', () => {
  const word = ['TO', 'DO'].join('');
  const files = [
    { path: 'a.ts', text: `one\n// ${word}: later\n` },
    { path: 'b.md', text: `see /${'work'}/there\n` },
    { path: 'c.ts', text: 'const path = "/v2/work/items";\n' },
  ];
  assert.deepEqual(
    findForbiddenWords(files).map((line) => line.split(': ')[0]),
    ['a.ts:2', 'b.md:1'],
  );
});

test('a step counts as failed exactly when its program fails or is missing', async () => {
  const totals: Totals = { passed: 0, failed: 0 };
  await runStep({ name: 'good', run: program('/', process.execPath, ['-e', '0']) }, totals);
  await runStep({ name: 'bad', run: program('/', process.execPath, ['-e', 'process.exit(3)']) }, totals);
  await runStep({ name: 'missing', run: program('/', 'no-such-program', []) }, totals);
  assert.deepEqual(totals, { passed: 1, failed: 2 });
});
