/** PostgreSQL's own lock files: who runs on a cluster, and the removal of locks that nobody holds. */
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Failure } from '../../base/failure.ts';
import type { Place } from './place.ts';
import { pollUntil } from './poll.ts';
import { commandOf, isAlive } from './processes.ts';
import { port, socketPath } from './socket.ts';

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  readonly socketFolder: string;
  /** `starting`, `stopping`, `ready`, `standby`, or empty while the file is being written. */
  readonly status: string;
}

interface LockFile extends RunningServer {
  /** Of the System V segment that every process of the cluster holds; NaN when the file does not say. */
  readonly sharedMemory: number;
}

async function readLock(place: Place): Promise<LockFile | null> {
  let text: string;
  try {
    text = await readFile(join(place.data, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  // One item a line: pid, data folder, start, port, socket folder, address, shared memory (key, id), status.
  const lines = text.split('\n').map((line) => line.trim());
  return {
    pid: Math.abs(Number(lines[0])),
    port: Number(lines[3]) || port,
    socketFolder: lines[4] ?? '',
    status: lines[7] ?? '',
    sharedMemory: Number.parseInt(lines[6]?.split(/\s+/)[1] ?? '', 10),
  };
}

/** Whether `pid` is a live PostgreSQL server on this cluster, and not whatever else got its number. */
function runsOn(place: Place, pid: number): boolean {
  if (!isAlive(pid)) return false;
  const command = commandOf(pid);
  if (command === null) return true;
  const folder = command.indexOf('-D');
  return basename(command[0] ?? '') === 'postgres' && command[folder + 1] === place.data;
}

/** The server that runs on this cluster, or null. */
export async function findServer(place: Place): Promise<RunningServer | null> {
  const lock = await readLock(place);
  return lock !== null && runsOn(place, lock.pid) ? lock : null;
}

/** How many processes still hold the segment: backends that outlive their server for a moment. */
async function holders(sharedMemory: number): Promise<number> {
  const table = await readFile('/proc/sysvipc/shm', 'utf8').catch(() => '');
  const rows = table.split('\n').slice(1);
  const row = rows.map((line) => line.trim().split(/\s+/)).find(([, id]) => Number(id) === sharedMemory);
  return Number(row?.[6] ?? 0);
}

/** Whether the system knows a process with this number, be it a zombie. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Removes what a server that is gone left behind and PostgreSQL itself would take for a live one's: a lock with
 * the number of a zombie or, by now, of another program, or without any. Other locks are PostgreSQL's to judge.
 * Fails with unavailable while processes of the old server live.
 */
export async function clearStaleLocks(place: Place, socketFolder: string): Promise<void> {
  const lock = await readLock(place);
  if (lock !== null) {
    const isFree = await pollUntil(async () => (await holders(lock.sharedMemory)) === 0, 30_000, 50);
    if (!isFree) {
      throw new Failure(
        'unavailable',
        `Processes of a former PostgreSQL on ${place.data} still run: end them, then start again.`,
      );
    }
    if (!(lock.pid > 0) || exists(lock.pid)) await rm(join(place.data, 'postmaster.pid'), { force: true });
  }
  await rm(`${socketPath(socketFolder)}.lock`, { force: true });
  await rm(socketPath(socketFolder), { force: true });
}
