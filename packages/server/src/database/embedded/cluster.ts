/** The files of a database cluster: made once, and only opened by the major version that made them. */
import { execFile } from 'node:child_process';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../base/failure.ts';
import type { Log } from '../../base/log.ts';
import { type Account, asAccount } from './account.ts';
import type { Binaries } from './binaries.ts';
import { makePrivateFolder } from './folders.ts';
import type { Place } from './place.ts';

const run = promisify(execFile);
/** Both the superuser and the database in the cluster. */
export const ownName = 'tintype';

async function majorOf(data: string): Promise<string | null> {
  try {
    return (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whoever gets at the socket, in its private folder, is trusted; nothing else can connect. */
const initArguments = [
  `--username=${ownName}`,
  '--encoding=UTF8',
  '--locale=C',
  '--data-checksums',
  '--auth-local=trust',
  '--auth-host=reject',
];

function initFailure(cause: unknown): Failure {
  const { stderr, message } = cause as Error & { stderr?: string };
  const said = stderr?.trim() || message;
  const hint = said.includes('could not look up effective user ID')
    ? ' (PostgreSQL needs an entry for its user in /etc/passwd: add one, or set database.url)'
    : '';
  return new Failure('unavailable', `The database cannot be created: ${said}${hint}`, { cause });
}

async function removeUnfinished(place: Place): Promise<void> {
  for (const name of await readdir(place.root)) {
    if (!name.startsWith(`${basename(place.data)}.new`)) continue;
    await rm(join(place.root, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function create(place: Place, binaries: Binaries, account: Account | null): Promise<void> {
  await removeUnfinished(place);
  // A name of its own: an initdb that outlived us may still be at work in, or about to empty, the one before.
  const fresh = `${place.data}.new-${crypto.randomUUID()}`;
  await makePrivateFolder(fresh, account);
  try {
    await run(binaries.initdb, [`--pgdata=${fresh}`, ...initArguments], {
      ...asAccount(account),
      cwd: '/',
    });
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    throw initFailure(cause);
  }
  await rename(fresh, place.data);
  const folder = await open(place.root);
  await folder.sync().finally(() => folder.close());
}

/**
 * Makes the cluster unless it is there. A kill on the way leaves nothing that counts: it is built under another
 * name. Fails with unavailable when another major version made it.
 */
export async function prepareCluster(
  place: Place,
  binaries: Binaries,
  account: Account | null,
  log: Log,
): Promise<void> {
  const major = await majorOf(place.data);
  if (major === null) {
    log.info({ folder: place.data, version: binaries.version }, 'creating the database');
    await create(place, binaries, account);
  } else if (major !== String(binaries.major)) {
    throw new Failure(
      'unavailable',
      `The database in ${place.data} was made by PostgreSQL ${major}, this Tintype brings PostgreSQL ${binaries.major}: ` +
        `start the Tintype that made it, dump the database there and load it into a new data directory.`,
    );
  }
}
