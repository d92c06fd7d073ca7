/** `npm test`: runs the test files, each in its own process, on one PostgreSQL cluster. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTestCluster, type TestCluster } from '../test/support/database.ts';
import { findTestFiles } from './test/find-files.ts';
import { count, formatFailures, formatFileRun, formatSkips, formatTotals } from './test/report.ts';
import { type FileRun, runTestFile, shareCompiled } from './test/run-file.ts';

const usage = `usage: npm test -- [--walks] [--test-name-pattern=PATTERN]… [--jobs=N] [path, glob or part of a path]…`;
const minutesPerFile = { tests: 5, walks: 20 };

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      walks: { type: 'boolean', default: false },
      jobs: { type: 'string' },
      'test-name-pattern': { type: 'string', multiple: true, default: [] },
    },
  });
  const jobs = values.jobs === undefined ? defaultJobs() : Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error('--jobs takes a whole number above 0');
  const kind = values.walks ? ('walks' as const) : ('tests' as const);
  return { kind, jobs, namePatterns: values['test-name-pattern'], patterns: positionals };
}

/** Two on two cores: tests wait for the disk and the database about as long as they compute. */
function defaultJobs(): number {
  return Math.min(8, Math.max(2, availableParallelism()));
}

type Arguments = ReturnType<typeof readArguments>;

async function runAll(files: string[], given: Arguments, cluster: TestCluster, signal: AbortSignal) {
  const root = dirname(import.meta.dirname);
  const runFolder = mkdtempSync(join(tmpdir(), 'tt-'));
  chmodSync(runFolder, 0o711);
  const waiting = files.entries();
  const runs: FileRun[] = [];
  const env = { ...cluster.env, ...shareCompiled(runFolder) };
  const work = async () => {
    for (const [index, file] of waiting) {
      if (signal.aborted) return;
      const folder = join(runFolder, String(index));
      mkdirSync(folder);
      const run = await runTestFile(file, {
        root,
        folder,
        marker: `${process.pid}.${index}`,
        env,
        namePatterns: given.namePatterns,
        limitMilliseconds: minutesPerFile[given.kind] * 60_000,
        signal,
      });
      runs.push(run);
      console.log(formatFileRun(run));
    }
  };
  await Promise.all(Array.from({ length: given.jobs }, work));
  rmSync(runFolder, { recursive: true, force: true });
  return runs;
}

function printSummary(runs: FileRun[], started: number): number {
  for (const text of [formatSkips(runs), formatFailures(runs)]) if (text !== '') console.log(`\n${text}`);
  const totals = count(runs);
  console.log(`\n${runs.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  console.log(formatTotals(totals));
  return totals.failed > 0 || totals.passed === 0 ? 1 : 0;
}

/** Aborts on the first signal, so that files and cluster are stopped before this process ends. */
function watchSignals() {
  const controller = new AbortController();
  let status = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      status = 128 + constants.signals[name];
      controller.abort();
    });
  }
  return { signal: controller.signal, status: () => status };
}

async function main(): Promise<number> {
  const started = performance.now();
  const given = readArguments();
  const files = findTestFiles(dirname(import.meta.dirname), given.kind, given.patterns);
  if (files.length === 0) {
    console.error(`no test file matches ${given.patterns.join(' ')}`);
    return 1;
  }
  const interruption = watchSignals();
  const cluster = await startTestCluster();
  try {
    const runs = await runAll(files, given, cluster, interruption.signal);
    const verdict = printSummary(runs, started);
    return interruption.status() || verdict;
  } finally {
    await cluster.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')))
    throw error;
  console.error(`${error.message}\n${usage}`);
  process.exitCode = 2;
}
