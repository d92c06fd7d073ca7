/** The server that is measured: the real command, in a process and a data directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { chmod, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createToken } from '@tintype/server';
import { stringify } from 'yaml';

const root = path.join(import.meta.dirname, '../..');
const command = path.join(root, 'packages/cli/bin/tintype.js');

export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Of its PostgreSQL. */
  readonly postmaster: number;
  readonly config: string;
  readonly folder: string;
  /** Empty in any mode but "tokens". */
  readonly adminToken: string;
  /** A token of a member of `project`. */
  memberToken(project: string): Promise<string>;
}

/**
 * Serves images, in mode "tokens" unless `identity` says otherwise and with further `settings`, log and all; the log goes
 * to a file. `folder` holds everything and is removed. `words` go to the command.
 */
export async function startServed(
  nodeOptions: readonly string[],
  identity: Readonly<Record<string, unknown>> = { mode: 'tokens' },
  words: readonly string[] = [],
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Served> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tintype-bench-'));
  // For the unprivileged user that PostgreSQL runs as when we are root.
  await chmod(folder, 0o711);
  const dataDir = path.join(folder, 'data');
  const config = path.join(folder, 'config.yaml');
  await writeFile(config, stringify({ listen: '127.0.0.1:0', dataDir, identity, ...settings }));
  const log = await open(path.join(folder, 'log'), 'w');
  const child = spawn(process.execPath, [...nodeOptions, command, 'serve', '--config', config, ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', log.fd],
  });
  await log.close();
  try {
    const url = await bannerUrl(child, path.join(folder, 'log'));
    const lock = await readFile(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8');
    return {
      url,
      pid: child.pid!,
      postmaster: Number(lock.split('\n')[0]),
      config,
      folder,
      adminToken:
        identity.mode === 'tokens' ? (await readFile(path.join(dataDir, 'admin.token'), 'utf8')).trim() : '',
      async memberToken(project) {
        const input = { project, user: 'benchmark', roles: ['member'], expiresAt: null };
        return (await createToken({ config }, input)).token;
      },
      [Symbol.asyncDispose]: () => stop(child, folder),
    };
  } catch (error) {
    await stop(child, folder);
    throw error;
  }
}

/** Where it says that it serves. */
async function bannerUrl(child: ChildProcess, log: string): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /Image API at (\S+)/.exec(line)?.[1];
    if (url !== undefined) {
      child.stdout!.resume();
      return url;
    }
  }
  const said: string[] = [];
  for await (const line of createInterface({ input: createReadStream(log) })) said.push(line);
  throw new Error(`The server did not start: ${said.at(-1) ?? 'it said nothing'}`);
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  await rm(folder, { recursive: true, force: true });
}
