/** `npm run test:services`: runs the tests in test/services on real servers, in groups, two at a time. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTestCluster } from '../test/support/database.ts';
import { findTestFiles } from './test/find-files.ts';
import { count, formatFailures, formatFileRun, formatSkips, formatTotals } from './test/report.ts';
import { type FileRun, runTestFile, shareCompiled } from './test/run-file.ts';

const root = dirname(import.meta.dirname);
const folder = 'test/services/';
const limitMilliseconds = 20 * 60_000;
/** Such tests mostly wait for servers. */
const laneCount = 2;

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: { 'test-name-pattern': { type: 'string', multiple: true, default: [] } },
  });
}

/** By the servers that their files need, the longest first. */
const shared = [
  /^(s3|swift|object-stores|exports|reconcile|redirects)/,
  /^(keystone|barbican|tempest)/,
  /^rbd/,
];

/**
 * Files of one group run one after the other and share what they start, a group has all of its own. A file that shares nothing is
 * a group by itself: those come last and go where there is time.
 */
function splitIntoGroups(files: string[]): string[][] {
  const groupOf = (file: string) => shared.findIndex((names) => names.test(basename(file)));
  const groups = shared.map((_, index) => files.filter((file) => groupOf(file) === index));
  const alone = files.filter((file) => groupOf(file) === -1).map((file) => [file]);
  return [...groups, ...alone].filter((group) => group.length > 0);
}

interface GroupOptions {
  readonly runFolder: string;
  readonly name: string;
  readonly env: Record<string, string>;
  readonly namePatterns: string[];
  readonly signal: AbortSignal;
}

/** Stops what the files of a group have left running for each other. */
function stopServers(keystone: string, servers: string): void {
  if (process.env.TINTYPE_TEST_KEYSTONE === undefined)
    execFileSync(join(root, folder, 'keystone-down'), [keystone]);
  for (const name of readdirSync(servers))
    execFileSync(join(root, folder, `${name.replace(/-.*/, '')}-down`), [join(servers, name)]);
}

async function runGroup(files: string[], group: GroupOptions): Promise<FileRun[]> {
  // The first that needs Keystone starts it, and every one leaves it running.
  const keystone = process.env.TINTYPE_TEST_KEYSTONE ?? join(group.runFolder, `k${group.name}`);
  // Likewise the stores: each has a folder of its name in this one.
  const servers = join(group.runFolder, `s${group.name}`);
  mkdirSync(servers);
  const runs: FileRun[] = [];
  try {
    for (const [index, file] of files.entries()) {
      if (group.signal.aborted) break;
      const own = join(group.runFolder, `${group.name}.${index}`);
      mkdirSync(own);
      const run = await runTestFile(file, {
        root,
        folder: own,
        marker: `${process.pid}.${group.name}.${index}`,
        env: { ...group.env, TINTYPE_TEST_KEYSTONE: keystone, TINTYPE_TEST_SERVERS: servers },
        namePatterns: group.namePatterns,
        limitMilliseconds,
        signal: group.signal,
      });
      runs.push(run);
      console.log(formatFileRun(run));
    }
  } finally {
    stopServers(keystone, servers);
  }
  return runs;
}

async function main(): Promise<number> {
  const started = performance.now();
  const { values, positionals } = readArguments();
  const namePatterns = values['test-name-pattern'];
  const wanted = positionals.length > 0 ? positionals : [folder];
  const files = findTestFiles(root, 'tests', wanted).filter((file) => file.startsWith(folder));
  if (files.length === 0) throw new Error(`no test file in ${folder} matches ${wanted.join(' ')}`);
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort());
  const runFolder = mkdtempSync(join(tmpdir(), 'tts-'));
  chmodSync(runFolder, 0o711);
  const cluster = await startTestCluster();
  const runs: FileRun[] = [];
  try {
    const env = { ...cluster.env, ...shareCompiled(runFolder) };
    const groups = splitIntoGroups(files).entries();
    const lanes = Array.from({ length: laneCount }, async () => {
      for (const [index, group] of groups) {
        const options = { runFolder, name: String(index), env, namePatterns, signal: controller.signal };
        runs.push(...(await runGroup(group, options)));
      }
    });
    // All of them end before the cluster does, whatever becomes of one.
    for (const ending of await Promise.allSettled(lanes)) {
      if (ending.status === 'rejected') throw ending.reason;
    }
  } finally {
    await cluster.stop();
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
