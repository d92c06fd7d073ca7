/** Runs one test file in a process of its own and tells everything that came of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestOutcome } from './event-reporter.ts';
import { findLeftovers, type Leftover, markerName } from './leftovers.ts';

export interface FileRun {
  readonly file: string;
  readonly outcomes: TestOutcome[];
  /** What went wrong outside any one test: a crash, an open handle, something left behind. */
  readonly faults: string[];
  /** The end of what it printed. */
  readonly output: string;
  readonly milliseconds: number;
}

export interface RunOptions {
  readonly root: string;
  /** An empty folder for this file, reachable by every user; becomes its TMPDIR and is removed. */
  readonly folder: string;
  readonly marker: string;
  readonly env: Record<string, string>;
  readonly namePatterns: string[];
  readonly limitMilliseconds: number;
  readonly signal: AbortSignal;
}

const reporter = fileURLToPath(new URL('event-reporter.ts', import.meta.url));
const keptOutput = 64 * 1024;
const leftoverGraceMilliseconds = 3000;

/** For the environment of all files of a run: what one has compiled, the others and the processes they start only load. */
export function shareCompiled(runFolder: string): Record<string, string> {
  const folder = join(runFolder, 'compiled');
  mkdirSync(folder);
  // Some run as another user.
  chmodSync(folder, 0o1777);
  return { NODE_COMPILE_CACHE: folder };
}

function startFile(file: string, options: RunOptions, eventsFile: string): ChildProcess {
  const temporary = join(options.folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  // Databases under test run as another user when root runs the tests.
  chmodSync(options.folder, 0o711);
  chmodSync(temporary, 0o1777);
  const args = [
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${eventsFile}`,
    ...options.namePatterns.map((pattern) => `--test-name-pattern=${pattern}`),
    file,
  ];
  const env = { ...process.env, ...options.env, TMPDIR: temporary, [markerName]: options.marker };
  return spawn(process.execPath, args, {
    cwd: options.root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}

/** Ends the file's whole process group. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

interface Ending {
  readonly fault: string | undefined;
  readonly output: string;
}

async function waitForEnd(child: ChildProcess, options: RunOptions): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-keptOutput);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  let killedFor: string | undefined;
  const kill = (reason: string) => {
    killedFor ??= reason;
    killGroup(child);
  };
  const seconds = options.limitMilliseconds / 1000;
  const timer = setTimeout(
    () => kill(`did not end within ${seconds} s: a test hangs, or something was left open`),
    options.limitMilliseconds,
  );
  const abort = () => kill('interrupted');
  options.signal.addEventListener('abort', abort);
  child.once('error', (error) => resolve(`could not be started: ${error.message}`));
  child.once('exit', (code, signal) => {
    if (killedFor !== undefined) resolve(killedFor);
    else if (code === 0) resolve(undefined);
    else resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
  });
  const fault = await promise;
  clearTimeout(timer);
  options.signal.removeEventListener('abort', abort);
  return { fault, output };
}

/** Processes take a moment to die, so this looks again until none is left or the grace is over. */
async function endLeftovers(marker: string): Promise<Leftover[]> {
  const deadline = Date.now() + leftoverGraceMilliseconds;
  let left = findLeftovers(marker);
  while (left.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    left = findLeftovers(marker);
  }
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended meanwhile.
    }
  }
  return left;
}

function readOutcomes(eventsFile: string): TestOutcome[] {
  let text: string;
  try {
    text = readFileSync(eventsFile, 'utf8');
  } catch {
    return [];
  }
  // A process that was killed may have left half a line.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TestOutcome);
}

function collectFaults(
  outcomes: TestOutcome[],
  ending: Ending,
  left: Leftover[],
  options: RunOptions,
): string[] {
  const faults: string[] = [];
  const toldByTest =
    ending.fault?.startsWith('ended with') && outcomes.some((one) => one.result === 'failed');
  if (ending.fault !== undefined && !toldByTest) faults.push(ending.fault);
  if (ending.fault === undefined && outcomes.length === 0 && options.namePatterns.length === 0) {
    faults.push('has no tests in it');
  }
  for (const { pid, command } of left) faults.push(`left process ${pid} behind: ${command}`);
  const files = readdirSync(join(options.folder, 'tmp'));
  if (files.length > 0) faults.push(`left files behind in the temporary folder: ${files.join(', ')}`);
  return faults;
}

export async function runTestFile(file: string, options: RunOptions): Promise<FileRun> {
  const started = performance.now();
  const eventsFile = join(options.folder, 'events');
  const child = startFile(file, options, eventsFile);
  const ending = await waitForEnd(child, options);
  const left = await endLeftovers(options.marker);
  const outcomes = readOutcomes(eventsFile);
  const faults = collectFaults(outcomes, ending, left, options);
  rmSync(options.folder, { recursive: true, force: true });
  return { file, outcomes, faults, output: ending.output, milliseconds: performance.now() - started };
}
