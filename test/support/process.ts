/** A real server as a process of its own: started, killed, stopped and started again on one data directory. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { SecretWatch, secretsOf } from './secrets.ts';

/** What a process left when it ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const root = path.join(import.meta.dirname, '../..');
const command = path.join(root, 'packages/cli/bin/tintype.js');
const homes = new Set<ServerHome>();

// What a test that ends at once would leave running.
process.on('exit', () => {
  for (const home of homes) for (const pid of home.family()) signalTo(pid, 'SIGKILL');
});

/** Asks every few milliseconds until the answer is there (neither undefined nor false); fails after `limitMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 20_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await delay(10);
  }
}

/** False when the process is no more. */
export function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** A port of the loopback address that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** One start of the server. */
export class ServerProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Milliseconds from the start to the first good answer of /readyz; set by `ready`. */
  readyMs = 0;
  #output = '';
  #exit: Exit | null = null;
  #url = '';
  #hearNoMore = () => {};
  readonly #watch: SecretWatch;
  readonly #startedAt = performance.now();

  constructor(child: ChildProcess, watch: SecretWatch) {
    if (child.pid === undefined) throw new Error('the server process could not be started');
    this.pid = child.pid;
    this.#watch = watch;
    for (const stream of [child.stdout!, child.stderr!]) {
      const look = watch.follow('in what it printed');
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        look(Buffer.from(text));
      });
    }
    this.exited = once(child, 'close').then(([code, signal]) => {
      this.#hearNoMore();
      this.#exit = { code, signal };
      return this.#exit;
    });
  }

  /** Standard output and error so far. */
  get output(): string {
    return this.#output;
  }

  get hasExited(): boolean {
    return this.#exit !== null;
  }

  /** Known once it is ready. */
  get url(): string {
    return this.#url;
  }

  /** Lines of the log whose message is `msg`. */
  logged(msg: string): Record<string, unknown>[] {
    return this.#output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(`"msg":"${msg}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Resolves when it serves. Fails when it ends before, with what it said. */
  async ready(): Promise<this> {
    this.#url = await until(
      'the banner',
      () => this.#alive()?.match(/(?:Image API|figures are) at (\S+)/)?.[1],
      60_000,
    );
    this.#hearNoMore = this.#watch.hear(Number(new URL(this.#url).port));
    await until('/readyz', async () => {
      this.#alive();
      const answer = await fetch(`${this.#url}/readyz`).catch(() => null);
      await answer?.body?.cancel();
      return answer?.status === 200;
    });
    this.readyMs = performance.now() - this.#startedAt;
    return this;
  }

  #alive(): string {
    if (this.#exit !== null) throw new Error(`the server ended instead of serving: ${this.#output}`);
    return this.#output;
  }

  signal(signal: NodeJS.Signals): void {
    signalTo(this.pid, signal);
  }

  /** kill -9 of the server process alone: its PostgreSQL is left running. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** Bytes of memory in use now. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
  }
}

/** A data directory with its configuration, and whatever processes run on it. */
export class ServerHome {
  readonly folder: string;
  readonly dataDir: string;
  readonly config: string;
  readonly #processes: ServerProcess[] = [];
  readonly #watch = new SecretWatch();

  constructor(folder: string) {
    this.folder = folder;
    this.dataDir = path.join(folder, 'data');
    this.config = path.join(folder, 'config.yaml');
    homes.add(this);
  }

  /** Starts a server without waiting for anything. `listen` wins over the configuration. */
  spawn({ listen, role }: { listen?: string; role?: string } = {}): ServerProcess {
    const given = { listen, role };
    const more = Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );
    const child = spawn(process.execPath, [command, 'serve', '--config', this.config, ...more], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new ServerProcess(child, this.#watch);
    this.#processes.push(server);
    return server;
  }

  async start(options: { listen?: string; role?: string } = {}): Promise<ServerProcess> {
    return await this.spawn(options).ready();
  }

  /** Of the embedded PostgreSQL, while it runs. */
  async postmaster(): Promise<number | null> {
    const lock = path.join(this.dataDir, 'postgres/data/postmaster.pid');
    const pid = Number((await readFile(lock, 'utf8').catch(() => '')).split('\n')[0]);
    return pid > 0 && this.postgresProcesses().includes(pid) ? pid : null;
  }

  /** Live processes that work in the data directory or were started for it: PostgreSQL's, orphaned or not. */
  postgresProcesses(): number[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => worksIn(pid, this.dataDir));
  }

  /** Every process of this home that lives. */
  family(): number[] {
    const servers = this.#processes.filter((server) => !server.hasExited).map(({ pid }) => pid);
    return [...servers, ...this.postgresProcesses()];
  }

  /** Files of the file store inside the data directory, relative to it; unfinished ones too. */
  async storedFiles(): Promise<string[]> {
    return await filesIn(path.join(this.dataDir, 'images/local'));
  }

  /** Takes effect at the next start. */
  async configure(settings: Record<string, unknown>): Promise<void> {
    const all = { listen: '127.0.0.1:0', dataDir: this.dataDir, identity: { mode: 'headers' }, ...settings };
    await writeFile(this.config, stringify(all));
    // One that no server starts with has none to tell.
    const secrets = await secretsOf(this.config).catch(() => []);
    for (const secret of secrets) this.#watch.add(secret);
  }

  /** Ends every process, in no good order. */
  async endAll(): Promise<void> {
    for (const server of this.#processes) if (!server.hasExited) await server.kill();
    await until('the end of PostgreSQL', () => {
      const left = this.postgresProcesses();
      for (const pid of left) signalTo(pid, 'SIGKILL');
      return left.length === 0;
    });
  }

  /** Ends every process and removes every file. Fails when a secret of the configuration was in any answer or line of a log. */
  async remove(): Promise<void> {
    await this.endAll();
    homes.delete(this);
    await rm(this.folder, { recursive: true, force: true });
    const leaks = [...this.#watch.leaks].join(', ');
    assert.equal(leaks, '', `told: ${leaks}`);
  }
}

function worksIn(pid: number, folder: string): boolean {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    if (cwd.startsWith(`${folder}/`)) return true;
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`${folder}/`);
  } catch {
    return false;
  }
}

/** Relative names of the files below `folder`. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)));
}

/**
 * A fresh home. Mode "headers" (see `as`) and a port of the system's choice unless `settings` says otherwise;
 * `remove` it at the end.
 */
export async function makeHome(settings: Record<string, unknown> = {}): Promise<ServerHome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tintype-'));
  // For the unprivileged user that PostgreSQL runs as when we are root.
  await chmod(folder, 0o711);
  const home = new ServerHome(folder);
  await home.configure(settings);
  return home;
}
