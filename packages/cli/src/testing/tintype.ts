/** Runs the `tintype` command as a process of its own, for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Besides that of the tests, which loses everything that speaks to the command. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; empty unless given. */
  readonly input?: Uint8Array;
  /** Leave standard input to the caller. */
  readonly keepInputOpen?: true;
  /** The Node that runs the launcher. */
  readonly node?: string;
}

export const launcher = join(import.meta.dirname, '../../bin/tintype.js');

export interface Running {
  readonly child: ChildProcess;
  /** So far. */
  readonly stdout: string;
  readonly stderr: string;
  readonly outcome: Promise<Outcome>;
}

export function startTintype(args: readonly string[], options: RunOptions = {}): Running {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(OS_|TINTYPE_(?!TEST_))/.test(name));
  const child = spawn(options.node ?? process.execPath, [launcher, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...Object.fromEntries(inherited), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  // The command may end without reading it.
  child.stdin.on('error', () => {});
  if (!options.keepInputOpen) child.stdin.end(options.input);
  const outcome = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  return {
    child,
    outcome,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
  };
}

export function tintype(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return startTintype(args, options).outcome;
}
