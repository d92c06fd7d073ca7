/** The folder of the server's socket: in its place, or a private temporary one when the path would be too long. */
import { chown, mkdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../base/failure.ts';
import type { Account } from './account.ts';
import { makePrivateFolder, statOrNull } from './folders.ts';
import { canEnter, type Place, shortDigest } from './place.ts';

/** Part of the socket's name; no TCP port. */
export const port = 5432;
/** The system allows 107 bytes on Linux, 103 on macOS. */
const longestPath = 100;

export function socketPath(folder: string): string {
  return join(folder, `.s.PGSQL.${port}`);
}

function fits(folder: string): boolean {
  return Buffer.byteLength(socketPath(folder)) <= longestPath;
}

/** A folder in a place open to all: taken only if it is, or was just made, the account's own and private. */
async function makeShared(folder: string, account: Account | null): Promise<boolean> {
  const isNew = await mkdir(folder, { mode: 0o700 }).then(
    () => true,
    () => false,
  );
  if (isNew && account !== null) await chown(folder, account.uid, account.gid);
  const found = await statOrNull(folder);
  if (found === null || !found.isDirectory() || (found.mode & 0o077) !== 0) return false;
  return found.uid === (account?.uid ?? process.getuid?.()) && (await canEnter(account, folder));
}

/** Fails with unavailable when neither serves. */
export async function prepareSocketFolder(place: Place, account: Account | null): Promise<string> {
  const inside = join(place.root, 'socket');
  if (fits(inside)) {
    await makePrivateFolder(inside, account);
    return inside;
  }
  for (const parent of new Set([await realpath(tmpdir()), '/tmp'])) {
    const folder = join(parent, `tintype-${shortDigest(place.root)}`);
    if (fits(folder) && (await makeShared(folder, account))) return folder;
  }
  throw new Failure(
    'unavailable',
    `The path of ${place.root} is too long for a socket, and no temporary folder serves instead: use a shorter data directory.`,
  );
}
