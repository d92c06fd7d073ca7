/** A server as a person starts it: a process of its own, an embedded database, a data directory that outlives it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Person } from './person.ts';
import { type Descendant, familyOf } from './processes.ts';

export interface StartOptions {
  /** Words that start it; `--data` and `--listen` are added. */
  readonly command: readonly string[];
  readonly dataDir: string;
  readonly mode: 'tokens' | 'none';
  readonly person: Person;
  /** Settings, as variables. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The same port again after a restart; 0 for any. */
  readonly port?: number;
}

export interface WalkServer {
  /** Without a version: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** What it printed on standard output. */
  readonly banner: string;
  /** The administrator's token; in mode none a word that no one reads. */
  readonly token: string;
  /** The lines of its log. */
  log(): string[];
  /** SIGTERM, as a service manager does; resolves with the exit code. Does nothing once it has ended. */
  stop(): Promise<number | null>;
  /** SIGKILL of the server's process alone, as the kernel does when memory runs out. */
  kill(): Promise<void>;
}

const startMillis = 60_000;

interface Output {
  stdout: string;
  stderr: string;
}

function collect(child: ChildProcess): Output {
  const output = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  return output;
}

/** Resolves once it says where it serves. */
async function announced(child: ChildProcess, output: Output): Promise<string> {
  const limit = AbortSignal.timeout(startMillis);
  const ended = once(child, 'exit').then(() => 'ended');
  for (;;) {
    // The line after the one with the address shows that the address is whole.
    const url = /^Tintype serves the Image API at (\S+)\n/m.exec(output.stdout)?.[1];
    if (url !== undefined && output.stdout.includes('Try:')) return url;
    const more = once(child.stdout!, 'data', { signal: limit }).then(() => 'more');
    const news = await Promise.race([more, ended]).catch(() => 'late');
    more.catch(() => {});
    if (news !== 'more')
      assert.fail(`the server did not start (${news}):\n${output.stdout}\n${output.stderr}`);
  }
}

/** The process that serves, below npm, shells and the launcher for old Nodes. */
async function serverPid(root: number): Promise<number> {
  const family = await familyOf(root);
  const isServer = ({ words }: Descendant) => /(^|\/)node$/.test(words[0] ?? '') && words.includes('serve');
  const [deepest] = family.filter(isServer).sort((one, other) => other.depth - one.depth);
  assert.ok(deepest, `a server among ${JSON.stringify(family)}`);
  return deepest.pid;
}

export async function startWalkServer(options: StartOptions): Promise<WalkServer> {
  const { command, dataDir, mode, person, settings, port = 0 } = options;
  const words = person.words([...command, '--data', dataDir, '--listen', `127.0.0.1:${port}`]);
  const child = spawn(words[0]!, words.slice(1), {
    cwd: person.project,
    env: {
      ...process.env,
      ...person.env,
      ...settings,
      TINTYPE_IDENTITY_MODE: mode,
      npm_config_update_notifier: 'false',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collect(child);
  const ended = once(child, 'close');
  const url = await announced(child, output);
  const pid = await serverPid(child.pid!);
  const byItself = () => {
    console.error(
      `the server ended by itself: ${child.exitCode ?? child.signalCode}\n${output.stderr.slice(-2000)}`,
    );
  };
  child.once('exit', byItself);
  const end = async (signal: NodeJS.Signals) => {
    child.off('exit', byItself);
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, signal);
    const [code] = await ended;
    return code as number | null;
  };
  return {
    url,
    port: Number(new URL(url).port),
    banner: output.stdout,
    token: mode === 'tokens' ? (await readFile(path.join(dataDir, 'admin.token'), 'utf8')).trim() : 'unread',
    log: () => output.stderr.split('\n').filter((line) => line !== ''),
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}
