/** Data directories that the user of PostgreSQL cannot enter, that moved, that were copied or restored. */
import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import pg from 'pg';
import { createLog } from '../../base/log.ts';
import type { Connection } from '../connect.ts';
import { weAreRoot } from './account.ts';
import { attachEmbedded } from './attach.ts';
import { knownPlace, preparePlace } from './place.ts';
import { startEmbedded } from './start.ts';

const log = createLog('silent');
const outside: string[] = [];
let scratch: string;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tintype-place-'));
});
after(async () => {
  for (const folder of outside) await rm(folder, { recursive: true, force: true });
  await rmdir('/var/lib/tintype').catch(() => {});
  await rm(scratch, { recursive: true });
});

function onlyRoot(t: TestContext): boolean {
  if (weAreRoot()) return true;
  t.skip('only root hands PostgreSQL to a user that a folder can be closed to');
  return false;
}

/** `name` under the scratch folder, which is closed to all but root. */
async function closed(name: string): Promise<string> {
  const dataDir = join(scratch, name);
  await mkdir(dataDir);
  return dataDir;
}

async function pointerOf(dataDir: string): Promise<string> {
  const [root] = (await readFile(join(dataDir, 'postgres-location.txt'), 'utf8')).split('\n');
  outside.push(root!);
  return root!;
}

async function query(connection: Connection, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test('the database of a closed data directory is kept outside, and found again when that moves', async (t) => {
  if (!onlyRoot(t)) return;
  const dataDir = await closed('kept');
  const first = await startEmbedded({ dataDir, log });
  await query(first.connection, 'CREATE TABLE kept AS SELECT 1 AS n');
  const root = await pointerOf(dataDir);
  assert.match(root, /^\/var\/(lib\/tintype\/|tmp\/tintype-)[0-9a-f]{16}$/);
  assert.deepEqual(await attachEmbedded(dataDir), first.connection);
  await first.stop();
  const moved = join(scratch, 'moved');
  await rename(dataDir, moved);
  const second = await startEmbedded({ dataDir: moved, log });
  assert.deepEqual(await query(second.connection, 'SELECT n FROM kept'), [{ n: 1 }]);
  await second.stop();

  const copy = join(scratch, 'copy');
  await cp(moved, copy, { recursive: true });
  await assert.rejects(startEmbedded({ dataDir: copy, log }), {
    code: 'unavailable',
    message: /belongs to .*moved: this data directory is a copy/,
  });

  await rm(moved, { recursive: true });
  await mkdir(dataDir);
  const { place } = await preparePlace(dataDir, log);
  assert.equal(place.root, `${root}-2`, 'the old database came back');
  await pointerOf(dataDir);
});

test('a data directory that is closed later is refused, not begun anew', async (t) => {
  if (!onlyRoot(t)) return;
  const parent = await mkdtemp(join(tmpdir(), 'tintype-place-'));
  t.after(() => rm(parent, { recursive: true }));
  await chmod(parent, 0o755);
  const dataDir = join(parent, 'data');
  const { place } = await preparePlace(dataDir, log);
  assert.equal(place.root, join(dataDir, 'postgres'));
  await mkdir(place.data, { mode: 0o700 });
  await chmod(parent, 0o700);
  await assert.rejects(preparePlace(dataDir, log), {
    code: 'unavailable',
    message: /cannot enter .*data\/postgres: open the way to it/,
  });
});

test('a new data directory can be entered whatever the umask', async () => {
  const before = process.umask(0o077);
  const parent = await mkdtemp(join(tmpdir(), 'tintype-place-'));
  try {
    await chmod(parent, 0o711);
    const dataDir = join(parent, 'a/b/data');
    const { place } = await preparePlace(dataDir, log);
    assert.equal(place.root, join(dataDir, 'postgres'));
    assert.equal((await stat(dirname(dataDir))).mode & 0o777, 0o711);
  } finally {
    process.umask(before);
    await rm(parent, { recursive: true });
  }
});

test('files that a backup gave to root are given back', async (t) => {
  if (!onlyRoot(t)) return;
  const parent = await mkdtemp(join(tmpdir(), 'tintype-place-'));
  t.after(() => rm(parent, { recursive: true }));
  await chmod(parent, 0o755);
  const { place, account } = await preparePlace(join(parent, 'data'), log);
  await mkdir(join(place.data, 'base'), { recursive: true, mode: 0o700 });
  await writeFile(join(place.data, 'base/1'), '');
  await preparePlace(join(parent, 'data'), log);
  for (const path of ['', 'base', 'base/1'])
    assert.equal((await stat(join(place.data, path))).uid, account?.uid);
});

test('a folder of our name in a place open to all is not trusted', async (t) => {
  if (!onlyRoot(t)) return;
  const dataDir = await closed('squatted');
  const first = await preparePlace(dataDir, log);
  const root = await pointerOf(dataDir);
  assert.equal(first.place.root, root);
  await rm(join(dataDir, 'postgres-location.txt'));
  await chown(root, 65534, 65534);
  const second = await preparePlace(dataDir, log);
  assert.notEqual(second.place.root, root);
  await pointerOf(dataDir);
});

test('looking for a place that was never made changes nothing', async () => {
  assert.equal(await knownPlace(join(scratch, 'nowhere')), null);
  await assert.rejects(stat(join(scratch, 'nowhere')), { code: 'ENOENT' });
});
