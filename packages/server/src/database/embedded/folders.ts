/** Folders of ours: made with the mode and owner they need, never through a link somebody else put there. */
import { constants } from 'node:fs';
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Account } from './account.ts';

export async function statOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Null when there is no such file. */
export async function firstLine(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).split('\n')[0] ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export async function writeWhole(path: string, text: string): Promise<void> {
  const fresh = `${path}.${process.pid}.new`;
  await writeFile(fresh, text);
  await rename(fresh, path);
}

/** Makes what is missing of `path`: everybody may pass through the new folders, nobody look around in them. */
export async function makePassage(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  // The mode is set apart because mkdir's is cut down by the umask.
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o711);
}

/** A folder that only `account` (null: we) may enter; an existing one keeps its contents. */
export async function makePrivateFolder(path: string, account: Account | null): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await folder.chmod(0o700);
    if (account !== null) await folder.chown(account.uid, account.gid);
  } finally {
    await folder.close();
  }
}

/** Gives a folder and all in it to `account`: it came back from a backup as ours. */
export async function giveAway(path: string, account: Account): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) await giveAway(below, account);
    else await lchown(below, account.uid, account.gid);
  }
  await chown(path, account.uid, account.gid);
}
