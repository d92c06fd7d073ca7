/** Processes below one of ours, and those that work in a folder, as /proc tells. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface Descendant {
  readonly pid: number;
  /** 0 for the process that was asked about. */
  readonly depth: number;
  readonly words: readonly string[];
}

async function allPids(): Promise<number[]> {
  const names = await readdir('/proc');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name before it, in brackets, may hold anything.
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

async function wordsOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').slice(0, -1);
}

/** The process itself and everything below it. */
export async function familyOf(root: number): Promise<Descendant[]> {
  const pids = await allPids();
  const parents = new Map(await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const)));
  const depthOf = (pid: number): number => {
    if (pid === root) return 0;
    const parent = parents.get(pid) ?? 0;
    return parent > 1 ? depthOf(parent) + 1 : Number.NEGATIVE_INFINITY;
  };
  const found = pids.map((pid) => ({ pid, depth: depthOf(pid) })).filter(({ depth }) => depth >= 0);
  return await Promise.all(found.map(async (one) => ({ ...one, words: await wordsOf(one.pid) })));
}

/** Ends what still works in the folder, such as a PostgreSQL whose server was killed. */
export async function endWorkersIn(folder: string): Promise<void> {
  for (const pid of await allPids()) {
    const place = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (!place.startsWith(`${folder}/`)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}
