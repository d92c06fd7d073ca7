/** `npm run test:services`: runs the tests in test/services on real servers, one file after the other. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTestCluster } from '../test/support/database.ts';
import { findTestFiles } from './test/find-files.ts';
import { count, formatFailures, formatFileRun, formatSkips, formatTotals } from './test/report.ts';
import { type FileRun, runTestFile } from './test/run-file.ts';

const root = dirname(import.meta.dirname);
const folder = 'test/services/';
const limitMilliseconds = 20 * 60_000;

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: { 'test-name-pattern': { type: 'string', multiple: true, default: [] } },
  });
}

async function main(): Promise<number> {
  const started = performance.now();
  const { values, positionals } = readArguments();
  const wanted = positionals.length > 0 ? positionals : [folder];
  const files = findTestFiles(root, 'tests', wanted).filter((file) => file.startsWith(folder));
  if (files.length === 0) throw new Error(`no test file in ${folder} matches ${wanted.join(' ')}`);
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort());
  const runFolder = mkdtempSync(join(tmpdir(), 'tts-'));
  chmodSync(runFolder, 0o711);
  // One Keystone for all files: the first that needs it starts it and every one leaves it running.
  const keystone = process.env.TINTYPE_TEST_KEYSTONE ?? join(runFolder, 'keystone');
  const cluster = await startTestCluster();
  const runs: FileRun[] = [];
  try {
    for (const [index, file] of files.entries()) {
      if (controller.signal.aborted) break;
      const own = join(runFolder, String(index));
      mkdirSync(own);
      const run = await runTestFile(file, {
        root,
        folder: own,
        marker: `${process.pid}.${index}`,
        env: { ...cluster.env, TINTYPE_TEST_KEYSTONE: keystone },
        namePatterns: values['test-name-pattern'],
        limitMilliseconds,
        signal: controller.signal,
      });
      runs.push(run);
      console.log(formatFileRun(run));
    }
  } finally {
    await cluster.stop();
    if (process.env.TINTYPE_TEST_KEYSTONE === undefined)
      execFileSync(join(root, folder, 'keystone-down'), [keystone]);
    rmSync(runFolder, { recursive: true, force: true });
  }
  for (const text of [formatSkips(runs), formatFailures(runs)]) if (text !== '') console.log(`\n${text}`);
  const totals = count(runs);
  console.log(`\n${runs.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  console.log(formatTotals(totals));
  const nothingRan = totals.passed + totals.skipped === 0;
  return totals.failed > 0 || nothingRan || controller.signal.aborted ? 1 : 0;
}

process.exitCode = await main();
