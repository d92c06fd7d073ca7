/** The PostgreSQL programs: links recreated, copies made where their user can run them. */
import assert from 'node:assert/strict';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLog } from '../../base/log.ts';
import { unprivilegedAccount, weAreRoot } from './account.ts';
import { completeLinks, locatePackage, prepareBinaries } from './binaries.ts';

const log = createLog('silent');
let scratch: string;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tintype-binaries-'));
  await chmod(scratch, 0o711);
});
after(() => rm(scratch, { recursive: true }));

/** The package as npm leaves it when no install script runs: without links. */
async function install(name: string): Promise<string> {
  const { folder } = await locatePackage();
  const target = join(scratch, name, 'native');
  const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  const isLink = (path: string) =>
    links.some(({ target: link }) => path.endsWith(link.replace('native', '')));
  await cp(folder, target, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !isLink(path) && !path.endsWith('.a'),
  });
  return target;
}

test('the links of the libraries are recreated, wrong ones mended', async () => {
  const folder = await install('links');
  const icu = join(folder, 'lib/libicui18n.so.60');
  await writeFile(icu, 'not a library');
  assert.equal(await completeLinks(folder), true);
  assert.equal(await readlink(icu), 'libicui18n.so.60.2');
  const links = JSON.parse(await readFile(join(folder, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  for (const { target } of links) assert.ok(await stat(join(folder, '..', target)), target);
  const before = await readdir(join(folder, 'lib'));
  assert.equal(await completeLinks(folder), true);
  assert.deepEqual(await readdir(join(folder, 'lib')), before);
});

test('programs in a reachable folder run where they are', async () => {
  const folder = await install('reachable');
  const root = join(scratch, 'state-reachable');
  await mkdir(root);
  const binaries = await prepareBinaries(root, await unprivilegedAccount(), log, { folder, version: '1' });
  assert.equal(binaries.folder, folder);
  assert.match(binaries.version, /^\d+\.\d+$/);
  assert.equal(binaries.major, Number.parseInt(binaries.version, 10));
  assert.deepEqual(await readdir(root), []);
});

test('programs under a closed folder are copied, once a version, whole', async (t) => {
  if (!weAreRoot()) return t.skip('only root has an account that a folder can be closed to');
  const folder = await install('closed');
  await chmod(join(folder, '..'), 0o700);
  // As a strict umask leaves them.
  await chmod(join(folder, 'lib'), 0o700);
  const root = join(scratch, 'state-closed');
  await mkdir(join(root, 'binaries-1-of-before'), { recursive: true });
  await mkdir(join(root, 'binaries-new-cut-short'));
  const account = await unprivilegedAccount();
  const prepare = (version: string) => prepareBinaries(root, account, log, { folder, version });
  const first = await prepare('2');
  assert.equal(first.folder, join(root, 'binaries-2/native'));
  assert.deepEqual(await readdir(root), ['binaries-2']);
  const { ino } = await stat(first.postgres);
  assert.equal((await stat((await prepare('2')).postgres)).ino, ino, 'copied again');
  await rm(join(first.folder, 'lib/libicui18n.so.60.2'));
  await prepare('2');
  assert.ok(await stat(join(first.folder, 'lib/libicui18n.so.60.2')), 'a damaged copy is mended');
  assert.equal((await prepare('3')).folder, join(root, 'binaries-3/native'));
  assert.deepEqual(await readdir(root), ['binaries-3']);
});

test('programs that do not run here are a sentence', async () => {
  const folder = await install('broken');
  await writeFile(join(folder, 'bin/postgres'), 'no program');
  const root = join(scratch, 'state-broken');
  await mkdir(root);
  await assert.rejects(prepareBinaries(root, null, log, { folder, version: '1' }), {
    code: 'unavailable',
    message: /does not run on this machine/,
  });
});
