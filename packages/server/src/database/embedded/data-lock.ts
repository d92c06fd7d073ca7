/** One server a data directory: the second is refused, a dead one's lock is taken over. */
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../base/failure.ts';
import { folderFailure } from './folder-failure.ts';
import { isAlive, spaceOf, startOf } from './processes.ts';

export interface DataLock {
  /** Lets the next server in. A second call does nothing. */
  release(): Promise<void>;
}

/** What a lock file says about the process that wrote it. */
interface Holder {
  readonly pid: number;
  /** Tells the process from a later one with its number; null where the system does not tell. */
  readonly start: string | null;
  /** In which boot and namespace `pid` and `start` mean anything; null likewise. */
  readonly space: string | null;
  readonly host: string;
  /** Where the server listens. */
  readonly listen: string;
  /** ISO 8601. */
  readonly since: string;
  /** It ended in good order. */
  readonly released: boolean;
}

/** While it holds the lock a process touches its file this often, for those that cannot see the process itself. */
const touchMillis = 2_000;
/** How long such others watch the file before they take it for left behind. */
const watchMillis = 7_000;

function describeOurselves(listen: string): Holder {
  return {
    pid: process.pid,
    start: startOf(process.pid),
    space: spaceOf(),
    host: hostname(),
    listen,
    since: new Date().toISOString(),
    released: false,
  };
}

/** Whether the file is touched while we look: its holder lives in another container or on another machine. */
async function isTouched(path: string): Promise<boolean> {
  const touchedAt = async () => (await stat(path).catch(() => null))?.mtimeMs;
  const first = await touchedAt();
  const end = performance.now() + watchMillis;
  while (performance.now() < end) {
    await delay(250);
    if ((await touchedAt()) !== first) return true;
  }
  return false;
}

async function lives(holder: Holder, path: string): Promise<boolean> {
  if (holder.released) return false;
  if (holder.space !== spaceOf()) return await isTouched(path);
  return isAlive(holder.pid) && (holder.start === null || holder.start === startOf(holder.pid));
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    // Emptied by a power failure: links are made to whole files only.
    if (error instanceof SyntaxError) return { ...describeOurselves(''), released: true };
    throw error;
  }
}

function refusal(dataDir: string, holder: Holder): Failure {
  const where = holder.space === spaceOf() ? '' : ` on ${holder.host}`;
  return new Failure(
    'unavailable',
    `The data directory ${dataDir} is in use by the server with the process id ${holder.pid}${where}, listening on ` +
      `${holder.listen} since ${holder.since}: stop it first, or use another data directory.`,
  );
}

/** The numbers of the lock files, ascending. */
async function listNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Makes lock file `number` whole or not at all; false when it exists. */
async function claim(folder: string, number: number, ourselves: Holder): Promise<boolean> {
  const draft = join(folder, `draft-${process.pid}-${crypto.randomUUID()}`);
  await writeFile(draft, JSON.stringify(ourselves));
  try {
    await link(draft, join(folder, String(number)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * The holder is who made the file with the highest number. Numbers only grow: a lock is taken over by making
 * the next, which one contender alone can do, and the highest file is never removed, only marked as released.
 * So whoever looked at an older state finds out by looking again after making its file.
 */
async function take(dataDir: string, folder: string, ourselves: Holder): Promise<number> {
  for (;;) {
    const highest = (await listNumbers(folder)).at(-1) ?? 0;
    const path = join(folder, String(highest));
    const holder = highest === 0 ? null : await readHolder(path);
    if (highest > 0 && holder === null) continue;
    if (holder !== null && (await lives(holder, path))) throw refusal(dataDir, holder);
    const mine = highest + 1;
    if (!(await claim(folder, mine, ourselves))) continue;
    if ((await listNumbers(folder)).at(-1) === mine) return mine;
    await rm(join(folder, String(mine)), { force: true });
  }
}

async function removeOlder(folder: string, mine: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, author] = /^draft-(\d+)-/.exec(name) ?? [];
    const isOld = author === undefined ? Number(name) < mine : !isAlive(Number(author));
    if (isOld) await rm(join(folder, name), { force: true });
  }
}

/**
 * Holds `dataDir` for this process until released or killed. Fails with unavailable, naming the holder, when
 * another process has it. A lock left behind in another container or before a restart of the machine takes
 * some seconds to be recognised as such.
 */
export async function lockDataDirectory(dataDir: string, options: { listen: string }): Promise<DataLock> {
  const folder = join(dataDir, 'lock');
  const ourselves = describeOurselves(options.listen);
  let mine: number;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o711 });
    await mkdir(folder, { recursive: true, mode: 0o755 });
    mine = await take(dataDir, folder, ourselves);
    await removeOlder(folder, mine);
  } catch (error) {
    throw folderFailure(error, dataDir);
  }
  const path = join(folder, String(mine));
  const touching = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, touchMillis).unref();
  let released: Promise<void> | undefined;
  const release = async () => {
    clearInterval(touching);
    const draft = join(folder, `draft-${process.pid}-${crypto.randomUUID()}`);
    await writeFile(draft, JSON.stringify({ ...ourselves, released: true }));
    await rename(draft, path);
  };
  return {
    release() {
      released ??= release();
      return released;
    },
  };
}
