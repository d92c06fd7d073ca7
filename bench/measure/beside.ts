/** A worker beside a server that is measured: a process of its own, on the same database, stores and staging area. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { type DatabasePlace, databasePlace, urlOf } from './database-place.ts';
import type { Served } from './served.ts';

const root = path.join(import.meta.dirname, '../..');
const command = path.join(root, 'packages/cli/bin/tintype.js');

export interface Beside extends AsyncDisposable {
  readonly pid: number;
}

/** Resolves when it works. `place` null: straight to the database of `served`. */
export async function startBeside(
  served: Served,
  name: string,
  place: DatabasePlace | null = null,
): Promise<Beside> {
  const dataDir = path.join(served.folder, 'data');
  const own = path.join(served.folder, name);
  await mkdir(own);
  const config = path.join(own, 'config.yaml');
  const settings = {
    listen: '127.0.0.1:0',
    dataDir: own,
    database: { url: urlOf(place ?? (await databasePlace(dataDir))) },
    stores: [{ id: 'local', type: 'file', path: path.join(dataDir, 'images/local') }],
    staging: { path: path.join(dataDir, 'staging') },
    identity: { mode: 'none' },
    // More at a time than a project gets by default, so that the workers are what is measured.
    flows: { perProject: 16 },
  };
  await writeFile(config, stringify(settings));
  const log = await open(path.join(own, 'log'), 'w');
  const words = [command, 'serve', '--config', config, '--role', 'worker'];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', log.fd] });
  await log.close();
  const ended = once(child, 'close');
  const said = once(createInterface({ input: child.stdout! }), 'line');
  await Promise.race([said, ended]);
  if (child.exitCode !== null) throw new Error(`Worker ${name} did not start.`);
  child.stdout!.resume();
  return {
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}
