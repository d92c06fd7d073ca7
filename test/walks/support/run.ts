/** Runs a client as a person does at a shell, and keeps everything it prints. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';

export interface RunOptions {
  /** A file, or `closed` as in `<&-`; otherwise /dev/null. */
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Ran {
  readonly command: string;
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Whatever the exit code. */
export async function attempt(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { stdin, env = {}, cwd } = options;
  const closed = stdin === 'closed';
  const [program = '', ...args] = closed ? ['sh', '-c', 'exec "$@" <&-', 'sh', ...words] : words;
  const input = stdin === undefined || closed ? 'ignore' : openSync(stdin, 'r');
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    cwd,
    stdio: [input, 'pipe', 'pipe'],
  });
  if (typeof input === 'number') closeSync(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [code, stdout, stderr] = await Promise.all([ended, buffer(child.stdout!), buffer(child.stderr!)]);
  return { command: words.join(' '), code, stdout, stderr: stderr.toString() };
}

function told({ command, code, stdout, stderr }: Ran): string {
  return `${command}\nended with ${code}\n${stdout.subarray(0, 4096)}\n${stderr}`;
}

/** What it printed; fails unless it ended well and said nothing on standard error. */
export async function run(words: readonly string[], options: RunOptions = {}): Promise<string> {
  const ran = await attempt(words, options);
  assert.equal(ran.code, 0, told(ran));
  assert.equal(ran.stderr, '', told(ran));
  return ran.stdout.toString();
}

/** Its complaint; fails if it ended well, or printed a Python traceback. */
export async function refused(words: readonly string[], options: RunOptions = {}): Promise<string> {
  const ran = await attempt(words, options);
  assert.notEqual(ran.code, 0, told(ran));
  assert.doesNotMatch(ran.stderr, /Traceback/, told(ran));
  return `${ran.stdout}${ran.stderr}`;
}

/** What it draws on a terminal of its own. */
export async function runOnTerminal(words: readonly string[], options: RunOptions = {}): Promise<string> {
  const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return await run(['script', '--quiet', '--return', '--command', line, '/dev/null'], options);
}
