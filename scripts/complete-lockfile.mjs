/**
 * Run after `npm install`: gives every optional package of another platform a place in package-lock.json.
 * A registry mirror may lack some of them; npm then leaves them out of the lockfile, and `npm ci` refuses it everywhere.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const systems = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'aix',
  'win32',
  'windows',
];
const processors = [
  'arm64',
  'x64',
  'ia32',
  'arm',
  'ppc64',
  's390x',
  'riscv64',
  'loong64',
  'mips64el',
  'wasm32',
];

/**
 * What the name of a platform's package says of its platform.
 * @param {string} name
 * @param {readonly string[]} words
 */
function partOf(name, words) {
  return words.find((word) => name.split(/[/-]/).includes(word));
}

/** @param {string} name @param {string} version @param {boolean | undefined} dev */
function entryFor(name, version, dev) {
  const system = partOf(name, systems);
  const processor = partOf(name, processors) ?? (/-arm(-|$)/.test(name) ? 'arm' : undefined);
  if (system === undefined && processor === undefined) throw new Error(`${name} does not name its platform.`);
  const library = /-musl/.test(name) ? 'musl' : /-gnu/.test(name) ? 'glibc' : undefined;
  return {
    version: version.replace(/^[~^]/, ''),
    ...(processor === undefined ? {} : { cpu: [processor] }),
    ...(dev ? { dev: true } : {}),
    ...(library === undefined ? {} : { libc: [library] }),
    optional: true,
    ...(system === undefined ? {} : { os: [system === 'windows' ? 'win32' : system] }),
  };
}

const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const { optionalDependencies, dev } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (lock.packages[place] !== undefined) continue;
    lock.packages[place] = entryFor(name, version, dev);
    added.push(`${name}@${version}`);
  }
}
const places = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(places);
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'The lockfile is complete.' : `Added to the lockfile: ${added.join(', ')}`);
