/** Tells what in node_modules differs from package-lock.json, by reading both, without changing anything. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One entry of `packages` in a lockfile, as far as it is read here.
 * @typedef {{ version?: string, link?: boolean, resolved?: string, os?: string | string[], cpu?: string | string[],
 *   libc?: string | string[], dependencies?: Record<string, string>, devDependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string>, peerDependencies?: Record<string, string>,
 *   peerDependenciesMeta?: Record<string, { optional?: boolean }> }} Entry
 * @typedef {Record<string, Entry>} Entries
 */

/** What our own last `npm ci` could not bring, written into node_modules so that it is not tried at every start. */
export const installRecord = 'node_modules/.tintype-install.json';

/** @param {string} file @returns {Entries | undefined} */
function readEntries(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** @param {string} root @returns {string[]} */
function readExcused(root) {
  try {
    return JSON.parse(readFileSync(join(root, installRecord), 'utf8')).unavailable;
  } catch {
    return [];
  }
}

/** @type {string | undefined} */
let libcFamily;

/** The same evidence npm goes by. @returns {string} */
function libc() {
  if (libcFamily !== undefined) return libcFamily;
  try {
    libcFamily = readFileSync('/usr/bin/ldd', 'latin1').includes('musl') ? 'musl' : 'glibc';
  } catch {
    const report = /** @type {any} */ (process.report.getReport());
    libcFamily = report.header.glibcVersionRuntime ? 'glibc' : 'musl';
  }
  return libcFamily;
}

/** @param {string | string[] | undefined} allowed @param {() => string} actual @returns {boolean} */
function allows(allowed, actual) {
  if (allowed === undefined) return true;
  const list = [allowed].flat();
  const value = actual();
  if (list.includes(`!${value}`)) return false;
  return list.includes(value) || list.includes('any') || list.every((item) => item.startsWith('!'));
}

/** @param {Entry} entry @returns {boolean} */
function fitsThisMachine(entry) {
  return (
    allows(entry.os, () => process.platform) &&
    allows(entry.cpu, () => process.arch) &&
    (entry.libc === undefined || (process.platform === 'linux' && allows(entry.libc, libc)))
  );
}

/** Where Node would find `name` from `path`, among the lockfile's entries. @param {Entries} entries @param {string} path @param {string} name */
function resolveIn(entries, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (candidate in entries) return candidate;
    if (folder === '') return undefined;
  }
}

/** @param {Entry} entry @param {boolean} withDev @returns {string[]} */
function namesNeededBy(entry, withDev) {
  const peers = Object.keys(entry.peerDependencies ?? {}).filter(
    (name) => !entry.peerDependenciesMeta?.[name]?.optional,
  );
  const dev = withDev ? Object.keys(entry.devDependencies ?? {}) : [];
  return [...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }), ...peers, ...dev];
}

/** Every entry this machine needs, found from the workspaces and their links outward. @param {Entries} entries @param {boolean} withDev */
function neededHere(entries, withDev) {
  const start = Object.keys(entries).filter((path) => !path.includes('node_modules/') || entries[path]?.link);
  const needed = new Set(start);
  for (const path of needed) {
    const entry = entries[path] ?? {};
    for (const name of namesNeededBy(entry, withDev && start.includes(path))) {
      const found = resolveIn(entries, path, name);
      if (found !== undefined && fitsThisMachine(entries[found] ?? {})) needed.add(found);
    }
  }
  needed.delete('');
  return needed;
}

/**
 * @param {string} root the repository
 * @param {{ withDev?: boolean }} [options] withDev false: the development tools may be missing
 * @returns {string[]} the packages that are missing, of another version or superfluous; empty when all is well
 */
export function findStale(root, { withDev = true } = {}) {
  const locked = readEntries(join(root, 'package-lock.json'));
  if (locked === undefined)
    throw new Error(`${join(root, 'package-lock.json')} is missing or not valid JSON`);
  const installed = readEntries(join(root, 'node_modules/.package-lock.json'));
  if (installed === undefined) return ['node_modules'];
  const excused = readExcused(root);
  const missing = [...neededHere(locked, withDev)].filter(
    (path) => !excused.includes(path) && !(path in installed && existsSync(join(root, path))),
  );
  const different = Object.keys(installed).filter(
    (path) => installed[path]?.version !== locked[path]?.version,
  );
  return [...new Set([...missing, ...different])];
}
