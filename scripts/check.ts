/** `npm run check`: everything CI runs: static checks, the tests, the walks, the tests on real services. `--tested` leaves out the tests, when `npm test` has just run. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { findLockfileFaults } from './check/lockfile.ts';
import { readTextFiles } from './check/read-tree.ts';
import { program, runStep, runTests, type Step, type Totals } from './check/run-step.ts';
import { findForbiddenWords } from './check/words.ts';

const root = dirname(import.meta.dirname);
const { values } = parseArgs({
  options: { tested: { type: 'boolean', default: false }, static: { type: 'boolean', default: false } },
});

const steps: Step[] = [
  { name: 'types', run: program(root, 'tsc', ['--project', '.']) },
  {
    name: 'types of the contract, without Node',
    run: program(root, 'tsc', ['--project', 'packages/contract']),
  },
  {
    name: 'types of the inspector, without Node',
    run: program(root, 'tsc', ['--project', 'packages/inspector']),
  },
  { name: 'types of the client, in a browser', run: program(root, 'tsc', ['--project', 'packages/client']) },
  {
    name: 'format and lint',
    run: program(root, 'biome', ['ci', '--colors=off', '--error-on-warnings', '.']),
  },
  {
    name: 'unused files, exports and dependencies',
    run: program(root, 'knip', []),
  },
  { name: 'generated documentation', run: program(root, process.execPath, ['scripts/docs.ts', '--check']) },
  {
    name: 'lockfile',
    run: () => findLockfileFaults(readFileSync(join(root, 'package-lock.json'), 'utf8')),
  },
  { name: 'words', run: () => findForbiddenWords(readTextFiles(root)) },
];

const totals: Totals = { passed: 0, failed: 0 };
for (const step of steps) await runStep(step, totals);
if (!values.static) {
  if (!values.tested) await runTests(root, ['test.ts'], totals);
  await runTests(root, ['test.ts', '--walks'], totals);
  await runTests(root, ['test-services.ts'], totals);
}
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
