/** Where the embedded PostgreSQL keeps its state: in the data directory, or outside when its account cannot get there. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, realpath, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../base/failure.ts';
import type { Log } from '../../base/log.ts';
import { type Account, asAccount, unprivilegedAccount, weAreRoot } from './account.ts';
import { folderFailure } from './folder-failure.ts';
import { firstLine, giveAway, makePassage, makePrivateFolder, statOrNull, writeWhole } from './folders.ts';

/** Absolute paths without links. `root` and `startLog` are ours; `data`, `logs` and the socket's folder the account's. */
export interface Place {
  readonly dataDir: string;
  readonly root: string;
  readonly data: string;
  readonly logs: string;
  /** What PostgreSQL says before its log is open. */
  readonly startLog: string;
}

export interface PreparedPlace {
  readonly place: Place;
  /** Who runs PostgreSQL; null: we do. */
  readonly account: Account | null;
}

const run = promisify(execFile);
const pointerName = 'postgres-location.txt';
const ownerName = 'data-directory.txt';

function layOut(dataDir: string, root: string): Place {
  return {
    dataDir,
    root,
    data: join(root, 'data'),
    logs: join(root, 'log'),
    startLog: join(root, 'start.log'),
  };
}

/** The same short name for the same path. */
export function shortDigest(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16);
}

/** Whether `account` can enter `folder`: asked by trying, which knows of every permission there is. */
export async function canEnter(account: Account | null, folder: string): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...asAccount(account), cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/** The folder in which the state lies; false when it cannot be made or is somebody else's. */
async function makeRoot(path: string): Promise<boolean> {
  try {
    await makePassage(path);
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
  const own = await realpath(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (own === null) return null;
  const elsewhere = await firstLine(join(own, pointerName));
  if (elsewhere !== null) return layOut(own, elsewhere);
  const inside = layOut(own, join(own, 'postgres'));
  return (await statOrNull(inside.data)) === null ? null : inside;
}

/** A state outside serves one data directory only: a copied one must not open the original's database. */
async function claimOutside(place: Place): Promise<void> {
  const owner = join(place.root, ownerName);
  const claimed = await firstLine(owner);
  if (claimed === place.dataDir) return;
  if (claimed !== null && (await firstLine(join(claimed, pointerName))) === place.root) {
    throw new Failure(
      'unavailable',
      `The database of ${place.dataDir} lies in ${place.root} and belongs to ${claimed}: this data directory is a copy. ` +
        `Remove ${join(place.dataDir, pointerName)} to begin with an empty database.`,
    );
  }
  await writeWhole(owner, `${place.dataDir}\n`);
}

/** Folders outside, the better first; those that hold the database of a removed data directory are left alone. */
async function* candidatesOutside(dataDir: string, log: Log) {
  const digest = shortDigest(dataDir);
  for (const stem of [join('/var/lib/tintype', digest), join('/var/tmp', `tintype-${digest}`)]) {
    for (let count = 1; ; count += 1) {
      const root = count === 1 ? stem : `${stem}-${count}`;
      if ((await statOrNull(join(root, 'data'))) === null) {
        yield root;
        break;
      }
      log.warn(
        { folder: root },
        'an old database is left of a data directory that was here: remove it if unneeded',
      );
    }
  }
}

async function chooseOutside(dataDir: string, account: Account, log: Log): Promise<Place> {
  for await (const root of candidatesOutside(dataDir, log)) {
    if (!(await makeRoot(root)) || !(await canEnter(account, root))) continue;
    const place = layOut(dataDir, root);
    await claimOutside(place);
    const text =
      `${root}\n\nThe database of this data directory lies in the folder above: PostgreSQL runs as the user\n` +
      `"${account.name}", who cannot enter this one. Both belong together: back up, move and remove both.\n`;
    await writeWhole(join(dataDir, pointerName), text);
    log.warn(
      { dataDir, folder: root, user: account.name },
      'the user of PostgreSQL cannot enter the data directory: the database is kept in another folder',
    );
    return place;
  }
  throw new Failure(
    'unavailable',
    `The user "${account.name}", who runs PostgreSQL, can enter neither ${dataDir} nor a folder in /var/lib or /var/tmp: ` +
      'open the way to the data directory (chmod o+x) or set database.url.',
  );
}

async function chooseFresh(dataDir: string, account: Account | null, log: Log): Promise<Place> {
  const inside = layOut(dataDir, join(dataDir, 'postgres'));
  if ((await makeRoot(inside.root)) && (await canEnter(account, inside.root))) return inside;
  if (account === null) {
    throw new Failure('unavailable', `The folder ${inside.root} cannot be made, or belongs to another user.`);
  }
  await rmdir(inside.root).catch(() => {});
  return await chooseOutside(dataDir, account, log);
}

/** Root runs PostgreSQL as the owner of the database there is; nobody else may run somebody's. */
async function accountFor(place: Place | null): Promise<Account | null> {
  const found = place === null ? null : await statOrNull(place.data);
  if (found === null || found.uid === process.getuid?.()) {
    const account = await unprivilegedAccount();
    if (account !== null && place !== null && found !== null) await giveAway(place.data, account);
    return account;
  }
  if (weAreRoot()) return { uid: found.uid, gid: found.gid, name: `uid ${found.uid}` };
  throw new Failure(
    'unavailable',
    `The database in ${place?.data} belongs to the user with the id ${found.uid}: start as that user or as root.`,
  );
}

async function prepare(dataDir: string, log: Log): Promise<PreparedPlace> {
  await makePassage(dataDir);
  const own = await realpath(dataDir);
  const known = await knownPlace(own);
  const account = await accountFor(known);
  const place = known ?? (await chooseFresh(own, account, log));
  if (known !== null) {
    // Opened again where a restored backup closed it; somebody else's stays as it is.
    await makeRoot(known.root);
    if (known.root !== join(own, 'postgres')) await claimOutside(known);
  }
  if (!(await canEnter(account, place.root))) {
    const who = account === null ? 'This user' : `The user of PostgreSQL (${account.name})`;
    throw new Failure('unavailable', `${who} cannot enter ${place.root}: open the way to it (chmod o+x).`);
  }
  await makePrivateFolder(place.logs, account);
  return { place, account };
}

/**
 * Finds or chooses the place and the account, and makes the folders except `data`. A database that is there
 * is never passed over for a new one. Fails with unavailable.
 */
export async function preparePlace(dataDir: string, log: Log): Promise<PreparedPlace> {
  try {
    return await prepare(dataDir, log);
  } catch (error) {
    throw folderFailure(error, dataDir);
  }
}
