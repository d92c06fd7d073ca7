/** Where the embedded PostgreSQL keeps its state: in the data directory, or outside when its account cannot get there. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../base/failure.ts';
import type { Log } from '../../base/log.ts';
import { type Account, asAccount, unprivilegedAccount, weAreRoot } from './account.ts';

/** Folders with absolute paths without links. `root` is ours; `data`, `logs` and the socket's are the account's. */
export interface Place {
  readonly dataDir: string;
  readonly root: string;
  readonly data: string;
  readonly logs: string;
  /** What PostgreSQL says before its log is open. */
  readonly startLog: string;
}

const run = promisify(execFile);
const pointerName = 'postgres-location.txt';
const ownerName = 'data-directory.txt';
/** A socket's path may have 107 bytes in all on Linux, 103 on macOS. */
const socketPathLimit = 100;
export const port = 5432;

function layOut(dataDir: string, root: string): Place {
  return {
    dataDir,
    root,
    data: join(root, 'data'),
    logs: join(root, 'log'),
    startLog: join(root, 'start.log'),
  };
}

function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

async function statOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function firstLine(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).split('\n')[0] ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const fresh = `${path}.${process.pid}.new`;
  await writeFile(fresh, text);
  await rename(fresh, path);
}

/** Whether `account` can enter `folder`: asked by trying, which knows of every permission there is. */
async function canEnter(account: Account | null, folder: string): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], asAccount(account));
    return true;
  } catch {
    return false;
  }
}

/** A folder of mode `mode` that belongs to `account`; an existing one keeps its contents. */
export async function makeFolder(path: string, mode: number, account: Account | null): Promise<void> {
  await mkdir(path, { recursive: true, mode });
  await chmod(path, mode);
  if (account !== null) await chown(path, account.uid, account.gid);
}

/** The folder of our own in which the state lies: others may pass through it, not look around. */
async function makeRoot(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true, mode: 0o711 });
    const found = await lstat(path);
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return false;
    await chmod(path, 0o711);
    return true;
  } catch {
    return false;
  }
}

/** The place already chosen for this data directory, or null. Changes nothing. */
export async function knownPlace(dataDir: string): Promise<Place | null> {
  let own: string;
  try {
    own = await realpath(dataDir);
  } catch {
    return null;
  }
  const elsewhere = await firstLine(join(own, pointerName));
  if (elsewhere !== null) return layOut(own, elsewhere);
  const inside = layOut(own, join(own, 'postgres'));
  return (await statOrNull(inside.data)) === null ? null : inside;
}

/** A state outside may serve one data directory only: a copied one must not open the original's database. */
async function claimOutside(place: Place): Promise<void> {
  const owner = join(place.root, ownerName);
  const claimed = await firstLine(owner);
  if (claimed !== null && claimed !== place.dataDir) {
    if ((await firstLine(join(claimed, pointerName))) === place.root) {
      throw new Failure(
        'unavailable',
        `The database of ${place.dataDir} lies in ${place.root} and belongs to ${claimed}: this data directory is a copy. ` +
          `Remove ${join(place.dataDir, pointerName)} to begin with an empty database.`,
      );
    }
  }
  await writeWhole(owner, `${place.dataDir}\n`);
}

async function chooseOutside(dataDir: string, account: Account, log: Log): Promise<Place> {
  const digest = shortDigest(dataDir);
  for (const root of [join('/var/lib/tintype', digest), join('/var/tmp', `tintype-${digest}`)]) {
    if (!(await makeRoot(root)) || !(await canEnter(account, root))) continue;
    const place = layOut(dataDir, root);
    await claimOutside(place);
    const why =
      `${root}\n\nThe database of this data directory lies in the folder above: PostgreSQL runs as the user\n` +
      `"${account.name}", who cannot enter this one. Both belong together: back up, move and remove both.\n`;
    await writeWhole(join(dataDir, pointerName), why);
    log.warn({ folder: root, user: account.name }, 'the data directory is closed to the user of PostgreSQL');
    return place;
  }
  throw new Failure(
    'unavailable',
    `The user "${account.name}", who runs PostgreSQL, can enter neither ${dataDir} nor a folder in /var/lib or /var/tmp: ` +
      'open the way to the data directory (chmod o+x) or set database.url.',
  );
}

/** Root runs PostgreSQL as the owner of the state there is, whoever that became. */
async function accountFor(place: Place | null): Promise<Account | null> {
  const found = place === null ? null : await statOrNull(place.data);
  const me = process.getuid?.();
  if (found === null || found.uid === me) return await unprivilegedAccount();
  if (weAreRoot()) return { uid: found.uid, gid: found.gid, name: `uid ${found.uid}` };
  throw new Failure(
    'unavailable',
    `The database in ${place?.data} belongs to the user with the id ${found.uid}: start as that user or as root.`,
  );
}

/** Finds or chooses the place and the account, and makes the folders that are missing (all but `data`). */
export async function preparePlace(
  dataDir: string,
  log: Log,
): Promise<{ place: Place; account: Account | null }> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  const own = await realpath(dataDir);
  const known = await knownPlace(own);
  const account = await accountFor(known);
  const place = known ?? (await chooseFresh(own, account, log));
  if (known !== null && known.root !== join(own, 'postgres')) await claimOutside(known);
  await makeRoot(place.root);
  if (!(await canEnter(account, place.root))) {
    throw new Failure(
      'unavailable',
      `The user of PostgreSQL (${account?.name}) can no longer enter ${place.root}: open the way to it (chmod o+x).`,
    );
  }
  await makeFolder(place.logs, 0o700, account);
  return { place, account };
}

async function chooseFresh(dataDir: string, account: Account | null, log: Log): Promise<Place> {
  const inside = layOut(dataDir, join(dataDir, 'postgres'));
  if ((await makeRoot(inside.root)) && (await canEnter(account, inside.root))) return inside;
  if (account === null) {
    throw new Failure('unavailable', `The folder ${inside.root} cannot be made or entered.`);
  }
  return await chooseOutside(dataDir, account, log);
}

/** The folder for the socket, private to the account; in the temporary folder when the path would be too long. */
export async function prepareSocketFolder(place: Place, account: Account | null): Promise<string> {
  const inside = join(place.root, 'socket');
  if (Buffer.byteLength(join(inside, `.s.PGSQL.${port}`)) <= socketPathLimit) {
    await makeFolder(inside, 0o700, account);
    return inside;
  }
  const owner = account?.uid ?? process.getuid?.();
  for (const parent of new Set([await realpath(tmpdir()), '/tmp'])) {
    const folder = join(parent, `tintype-${shortDigest(place.root)}`);
    await mkdir(folder, { mode: 0o700 }).then(
      () => (account === null ? undefined : chown(folder, account.uid, account.gid)),
      () => undefined,
    );
    const found = await statOrNull(folder);
    const isPrivate = found?.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0;
    const fits = Buffer.byteLength(join(folder, `.s.PGSQL.${port}`)) <= socketPathLimit;
    if (isPrivate && fits && (await canEnter(account, folder))) return folder;
  }
  throw new Failure(
    'unavailable',
    `The path of the data directory ${dirname(place.root)} is too long for a socket, and no temporary folder serves instead.`,
  );
}
