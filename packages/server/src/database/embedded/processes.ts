/** What the system knows about a process: whether it lives, since when, what it runs. */
import { readFileSync, readlinkSync } from 'node:fs';

/** The fields of /proc/<pid>/stat from the state on, or null without such a process or without /proc. */
function readStat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before stands in parentheses and may itself hold spaces and parentheses.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Whether the process runs: one that ended but was not reaped (a zombie) does not. */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = readStat(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/** When the process started, in ticks since the machine did; null where the system does not tell. */
export function startOf(pid: number): string | null {
  return readStat(pid)?.[19] ?? null;
}

/** The command line of the process; null where the system does not tell. */
export function commandOf(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return null;
  }
}

/**
 * In which boot of the machine and which namespace process numbers mean what they mean to us; null where the
 * system does not tell.
 */
export function spaceOf(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}
