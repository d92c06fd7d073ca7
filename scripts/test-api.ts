/** `npm run test:api`: the black-box suite, against a server of its own or the one at `--target`. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTestCluster, type TestCluster } from '../test/support/database.ts';
import { variables } from '../test/support/target.ts';
import { findTestFiles } from './test/find-files.ts';
import { count, formatFailures, formatFileRun, formatSkips, formatTotals } from './test/report.ts';
import { type FileRun, runTestFile } from './test/run-file.ts';

const usage = `usage: npm run test:api -- [--target URL] [--identity tokens|headers|none] [--token ADMIN]
  [--member-token T] [--reader-token T] [--other-token T] [--reference]
  [--test-name-pattern=PATTERN]… [part of a file's name]…

  --target      the server to test; without it the suite starts servers of its own
  --identity    how it knows its callers; tokens when any is given, else none
  --token       of an administrator
  --member-token, --reader-token   of a member and a reader of one project
  --other-token of a member of another project
  --reference   it is the reference implementation: skip where the contract differs from it on purpose`;

const identities = ['tokens', 'headers', 'none'];
const minutesPerFile = 10;

/** A mistake on the command line. */
class UsageError extends Error {}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        target: { type: 'string' },
        identity: { type: 'string' },
        token: { type: 'string' },
        'member-token': { type: 'string' },
        'reader-token': { type: 'string' },
        'other-token': { type: 'string' },
        reference: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        'test-name-pattern': { type: 'string', multiple: true, default: [] },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

type Values = ReturnType<typeof readArguments>['values'];

/** What tells the test files of the target; empty when there is none. */
function environmentOf(values: Values): Record<string, string> {
  const tokens = {
    [variables.tokens.admin]: values.token,
    [variables.tokens.member]: values['member-token'],
    [variables.tokens.reader]: values['reader-token'],
    [variables.tokens.other]: values['other-token'],
  };
  const given = Object.entries(tokens).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const identity = values.identity ?? (given.length > 0 ? 'tokens' : 'none');
  if (!identities.includes(identity)) throw new UsageError(`--identity is one of ${identities.join(', ')}`);
  if (identity === 'tokens' && given.length === 0) throw new UsageError('--identity tokens needs a token');
  if (values.target === undefined) {
    if (given.length > 0 || values.reference || values.identity !== undefined)
      throw new UsageError('tokens, --identity and --reference say something of a --target');
    return {};
  }
  if (!URL.canParse(values.target) || new URL(values.target).pathname !== '/')
    throw new UsageError('--target is an address without a path, such as http://127.0.0.1:9292');
  return {
    [variables.url]: values.target,
    [variables.identity]: identity,
    [variables.reference]: values.reference ? '1' : '',
    ...Object.fromEntries(given),
  };
}

async function runFiles(files: string[], namePatterns: string[], env: Record<string, string>) {
  const root = dirname(import.meta.dirname);
  const runFolder = mkdtempSync(join(tmpdir(), 'tt-'));
  chmodSync(runFolder, 0o711);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupted.abort());
  const runs: FileRun[] = [];
  for (const [index, file] of files.entries()) {
    if (interrupted.signal.aborted) break;
    const folder = join(runFolder, String(index));
    mkdirSync(folder);
    const run = await runTestFile(file, {
      root,
      folder,
      marker: `${process.pid}.${index}`,
      env,
      namePatterns,
      limitMilliseconds: minutesPerFile * 60_000,
      signal: interrupted.signal,
    });
    runs.push(run);
    console.log(formatFileRun(run));
  }
  rmSync(runFolder, { recursive: true, force: true });
  return { runs, interrupted: interrupted.signal.aborted };
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const target = environmentOf(values);
  const suite = findTestFiles(dirname(import.meta.dirname), 'tests', ['test/api/']);
  const files = suite.filter(
    (file) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
  );
  if (files.length === 0) throw new UsageError(`no file of the suite matches ${positionals.join(' ')}`);
  let cluster: TestCluster | null = null;
  if (values.target === undefined) cluster = await startTestCluster();
  try {
    const { runs, interrupted } = await runFiles(files, values['test-name-pattern'], {
      ...cluster?.env,
      ...target,
    });
    for (const text of [formatSkips(runs), formatFailures(runs)]) if (text !== '') console.log(`\n${text}`);
    const totals = count(runs);
    console.log(`\n${formatTotals(totals)}`);
    return interrupted || totals.failed > 0 || totals.passed === 0 ? 1 : 0;
  } finally {
    await cluster?.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${usage}`);
  process.exitCode = 2;
}
