/** One running PostgreSQL server: started by us or found running, watched by its process id. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Log } from '../../base/log.ts';
import { type Account, asAccount } from './account.ts';
import type { Place } from './place.ts';
import { pollUntil } from './poll.ts';
import { isAlive } from './processes.ts';

export interface Postmaster {
  readonly pid: number;
  /** Resolves when the process has ended, with why as far as we know. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
}

/** How long each kind of shutdown may take. */
const shutdownLimits = { fastMillis: 30_000, immediateMillis: 10_000 };
const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
const startLogFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;
const watchMillis = 250;

/** Starts the server in a session of its own: an interrupt from the terminal is for us, not for it. */
export async function launch(
  program: string,
  serverArguments: readonly string[],
  place: Place,
  account: Account | null,
): Promise<Postmaster> {
  const startLog = await open(place.startLog, startLogFlags, 0o600);
  try {
    const child = spawn(program, serverArguments, {
      ...asAccount(account),
      cwd: '/',
      detached: true,
      stdio: ['ignore', startLog.fd, startLog.fd],
    });
    let hasEnded = false;
    const ended = new Promise<string>((resolve) => {
      const end = (reason: string) => {
        hasEnded = true;
        resolve(reason);
      };
      child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
      child.once('error', (error) => end(error.message));
    });
    return { pid: child.pid ?? -1, ended, hasEnded: () => hasEnded };
  } finally {
    await startLog.close();
  }
}

/** Watches a server that another process started: it is nobody's child any more, so we look. */
export function adopt(pid: number): Postmaster {
  const ended = pollUntil(() => !isAlive(pid), Number.POSITIVE_INFINITY, watchMillis).then(() => 'gone');
  return { pid, ended, hasEnded: () => !isAlive(pid) };
}

function send(postmaster: Postmaster, signal: NodeJS.Signals): void {
  if (postmaster.pid <= 0 || postmaster.hasEnded()) return;
  try {
    process.kill(postmaster.pid, signal);
  } catch {
    // It ended just now.
  }
}

/** Fast shutdown: open transactions are rolled back; after 30 s immediately, which the next start recovers from. */
export async function shutDown(postmaster: Postmaster, log: Log, limits = shutdownLimits): Promise<void> {
  const isGone = () => postmaster.hasEnded() || !isAlive(postmaster.pid);
  send(postmaster, 'SIGINT');
  if (await pollUntil(isGone, limits.fastMillis, 20)) return;
  log.warn({ pid: postmaster.pid }, 'PostgreSQL does not stop: ending it at once');
  send(postmaster, 'SIGQUIT');
  if (await pollUntil(isGone, limits.immediateMillis, 20)) return;
  log.error({ pid: postmaster.pid }, 'PostgreSQL did not stop');
}
