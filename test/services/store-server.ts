/** Real object stores for tests: started by the scripts here, and disturbed the hard way. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A folder in which test files that run one after the other find the servers of those before. */
const sharedFolder = 'TINTYPE_TEST_SERVERS';

export type ServerKind = 's3' | 'swift' | 'ceph';

export class StoreServer {
  readonly folder: string;
  readonly #kind: ServerKind;
  readonly #isOurs: boolean;
  readonly #env: Record<string, string>;
  #facts: Readonly<Record<string, string>> = {};

  constructor(kind: ServerKind, folder: string, isOurs: boolean, env: Record<string, string>) {
    this.#kind = kind;
    this.folder = folder;
    this.#isOurs = isOurs;
    this.#env = env;
  }

  /** What the script says, such as `S3_ENDPOINT`. */
  fact(name: string): string {
    const value = this.#facts[name];
    if (value === undefined) throw new Error(`${this.#kind}-up says nothing of ${name}`);
    return value;
  }

  /** Starts what does not run. */
  async up(): Promise<void> {
    const env = { ...process.env, ...this.#env };
    const { stdout } = await run(path.join(import.meta.dirname, `${this.#kind}-up`), [this.folder], { env });
    const pairs = stdout.matchAll(/^([A-Z0-9_]+)=(.*)$/gm);
    this.#facts = Object.fromEntries(Array.from(pairs, ([, name, value]) => [name!, value!]));
  }

  async down(): Promise<void> {
    await run(path.join(import.meta.dirname, `${this.#kind}-down`), [this.folder]);
  }

  /** Sends a signal to one of its processes, named as in `run/`; after SIGKILL waits until it is gone. */
  async signal(name: string, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const pid = Number(await readFile(path.join(this.folder, 'run', `${name}.pid`), 'utf8'));
    process.kill(pid, signal);
    while (signal === 'SIGKILL' && (await isAlive(pid)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** One of the programs of its cluster. */
  async command(program: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(program, args, {
      env: { ...process.env, CEPH_CONF: path.join(this.folder, 'ceph.conf') },
    });
    return stdout;
  }

  /** A shared one is left as it was found: running. */
  async close(): Promise<void> {
    if (!this.#isOurs) return await this.up();
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Not those that nobody has waited for yet. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return stat !== null && !/^[ZX] /.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Running. `name` tells servers of one kind with different settings (`env`) apart. `close` it in `after`. */
export async function startStoreServer(
  kind: ServerKind,
  { name = kind as string, env = {} }: { name?: string; env?: Record<string, string> } = {},
): Promise<StoreServer> {
  const shared = process.env[sharedFolder];
  const folder =
    shared === undefined ? await mkdtemp(path.join(tmpdir(), `${name}-`)) : path.join(shared, name);
  const server = new StoreServer(kind, folder, shared === undefined, env);
  try {
    await server.up();
  } catch (error) {
    await server.close().catch(() => {});
    throw error;
  }
  return server;
}
