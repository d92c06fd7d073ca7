/** What an upload through a server could at most reach beside a store's own command, on the processors of this machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { familySeconds } from './process-figures.ts';

/** Seconds of the processors that the commands which we have run, and the servers with a pid file in `folder`, have used. */
export function storeSeconds(folder: string): number {
  const pids = readdirSync(folder)
    .filter((name) => name.endsWith('.pid'))
    .map((name) => Number(readFileSync(path.join(folder, name), 'utf8')));
  return [process.pid, ...pids].reduce((sum, pid) => sum + familySeconds(pid), 0);
}

export interface Work {
  /** That the command took, and that it and its servers used of the processors. */
  readonly seconds: number;
  readonly used: number;
  /** For both digests, on one core; for bringing the bytes from one process to another. */
  readonly hashing: number;
  readonly carrying: number;
}

/** Seconds: no processor is ever idle, and nothing is done but the work of the command, the digests and the way to us. */
export function leastSeconds({ seconds, used, hashing, carrying }: Work): number {
  return Math.max(seconds, (used + hashing + carrying) / availableParallelism());
}
