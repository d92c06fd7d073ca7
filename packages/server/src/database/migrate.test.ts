/** migrate(): fresh, repeated, concurrent, changed, newer, failing. */
import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from './connect.ts';
import { migrate, migrationStatus } from './migrate.ts';

const log = createLog('silent');
const shipped = join(import.meta.dirname, 'migrations');
let keeper: TestDatabase;
let place: TestDatabase;
let database: Database;
let folder: string;

const open = () => connect(place.config, { max: 2, applicationName: 'migrate-test', log });

/** One migration that fails when applied twice. */
const write = (name: string, text: string) => writeFile(join(folder, name), text);

before(async () => {
  keeper = await testDatabase({ empty: true });
});
after(() => keeper.close());
beforeEach(async () => {
  place = await testDatabase({ empty: true });
  database = await open();
  folder = await mkdtemp(join(tmpdir(), 'tintype-migrations-'));
});
afterEach(async () => {
  await database.close();
  await place.close();
  await rm(folder, { recursive: true });
});

test('an empty database gets every table, once', async () => {
  const names = (await readdir(shipped)).filter((name) => name.endsWith('.sql'));
  assert.deepEqual((await migrationStatus(database)).pending.length, names.length);
  const applied = await migrate(database);
  assert.deepEqual(
    applied.map(({ name }) => name),
    names.sort(),
  );
  assert.deepEqual(await migrate(database), []);
  const status = await migrationStatus(database);
  assert.deepEqual([status.pending, status.unknown, status.changed], [[], [], []]);
  assert.deepEqual(
    status.applied.map(({ number, name, digest }) => ({ number, name, digest })),
    applied,
  );
  assert.ok(status.applied.every(({ appliedAt }) => Math.abs(Date.now() - appliedAt.getTime()) < 60_000));
  await database.db.selectFrom('images').selectAll().execute();
});

test('asking for the status changes nothing', async () => {
  await migrationStatus(database);
  const tables = await sql`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`.execute(database.db);
  assert.equal(tables.rows.length, 0);
});

test('processes that migrate at once share the work', async () => {
  await write('0001-one.sql', 'SELECT pg_sleep(0.2); CREATE TABLE one (n integer);');
  await write('0002-two.sql', 'CREATE TABLE two (n integer);');
  const others = await Promise.all([open(), open(), open()]);
  const results = await Promise.all([database, ...others].map((each) => migrate(each, { folder })));
  assert.deepEqual(results.map((applied) => applied.length).sort(), [0, 0, 0, 2]);
  await Promise.all(others.map((each) => each.close()));
});

test('waiting for another process is not cut by the time limit of statements', async () => {
  await write('0001-one.sql', 'SELECT pg_sleep(0.3); CREATE TABLE one (n integer);');
  const other = await open();
  const limit = (each: Database) => sql`SET statement_timeout = 100`.execute(each.db);
  await Promise.all([limit(database), limit(other)]);
  await Promise.all([migrate(database, { folder }), migrate(other, { folder })]);
  const kept = await sql<{ limit: string }>`SELECT current_setting('statement_timeout') AS limit`.execute(
    database.db,
  );
  assert.equal(kept.rows[0]?.limit, '100ms');
  await other.close();
});

test('a changed file is refused and nothing is applied', async () => {
  await write('0001-one.sql', 'CREATE TABLE one (n integer);');
  await migrate(database, { folder });
  await appendFile(join(folder, '0001-one.sql'), '-- a thought');
  await write('0002-two.sql', 'CREATE TABLE two (n integer);');
  await assert.rejects(migrate(database, { folder }), {
    code: 'internal',
    message: /0001-one\.sql was changed/,
  });
  const status = await migrationStatus(database, { folder });
  assert.deepEqual([status.changed.length, status.pending.length], [1, 1]);
});

test('a database of a newer Tintype is refused', async () => {
  await write('0001-one.sql', 'CREATE TABLE one (n integer);');
  await write('0002-two.sql', 'CREATE TABLE two (n integer);');
  await migrate(database, { folder });
  await rm(join(folder, '0002-two.sql'));
  await assert.rejects(migrate(database, { folder }), {
    code: 'unavailable',
    message: /newer Tintype \(it has the migration 0002-two\.sql\)/,
  });
  assert.deepEqual(
    (await migrationStatus(database, { folder })).unknown.map(({ name }) => name),
    ['0002-two.sql'],
  );
});

test('a failing migration leaves those before it, and goes through once it is mended', async () => {
  await write('0001-one.sql', 'CREATE TABLE one (n integer);');
  await write('0002-two.sql', 'CREATE TABLE two (n integer); SELECT no_such_function();');
  await assert.rejects(migrate(database, { folder }), {
    code: 'internal',
    message: /0002-two\.sql failed: function no_such_function\(\) does not exist/,
  });
  const status = await migrationStatus(database, { folder });
  assert.deepEqual([status.applied.length, status.pending.length], [1, 1]);
  await write('0002-two.sql', 'CREATE TABLE two (n integer);');
  const mended = await migrate(database, { folder });
  assert.deepEqual(
    mended.map(({ number }) => number),
    [2],
  );
});

test('files must be numbered without a gap', async () => {
  await copyFile(join(shipped, '0001-images.sql'), join(folder, '0002-images.sql'));
  await assert.rejects(migrate(database, { folder }), { message: /0002-images\.sql is out of order: 0001/ });
});
