/** connect(): values, failures and figures on a real PostgreSQL. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { Failure } from '../base/failure.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database, type DatabaseConfig } from './connect.ts';
import { isUniqueViolation } from './errors.ts';
import { parseTimestamptz } from './types.ts';

const log = createLog('silent');
let place: TestDatabase;
let database: Database;

before(async () => {
  place = await testDatabase();
  database = await connect(place.config, { max: 3, applicationName: 'connect-test', log });
});
after(async () => {
  await database.close();
  await place.close();
});

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const tryConnect = (config: DatabaseConfig) =>
  failureOf(connect(config, { max: 1, applicationName: 'connect-test', log }));

test('a row comes back as it went in', async () => {
  const id = randomUUID();
  const created_at = new Date('2026-02-03T04:05:06.789Z');
  const row = {
    id,
    name: 'ünïcode 🐘',
    status: 'queued',
    visibility: 'shared',
    protected: false,
    os_hidden: true,
    owner: null,
    disk_format: 'qcow2',
    container_format: null,
    min_disk: 2_147_483_647,
    min_ram: 0,
    size: Number.MAX_SAFE_INTEGER,
    virtual_size: 0,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    tags: ['a', 'b,c', '"d"', 'NULL', ''],
    search_terms: [],
    created_at,
    updated_at: created_at,
    deleted_at: null,
  };
  const properties = { os_distro: 'debian', odd: '"\\\u{1F418}' };
  await database.db
    .insertInto('images')
    .values({ ...row, properties: JSON.stringify(properties) })
    .execute();
  const found = await database.db
    .selectFrom('images')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  assert.deepEqual(found, { ...row, properties });
});

test('a number beyond 2^53 is refused rather than rounded', async () => {
  const failure = await failureOf(sql`SELECT 9007199254740993::bigint AS n`.execute(database.db));
  assert.equal(failure.code, 'internal');
  const exact = await sql<{ n: number }>`SELECT -9007199254740991::bigint AS n`.execute(database.db);
  assert.equal(exact.rows[0]?.n, -9_007_199_254_740_991);
});

test('every millisecond of a timestamp survives the way there and back', async () => {
  const base = Date.UTC(2026, 10, 21, 23, 59, 59);
  const instants = Array.from({ length: 1000 }, (_, ms) => new Date(base + ms));
  const result = await sql<{ at: Date }>`
    SELECT at::timestamptz(3) AS at FROM unnest(${instants}::timestamptz[]) AS at`.execute(database.db);
  assert.deepEqual(
    result.rows.map(({ at }) => at.getTime()),
    instants.map((instant) => instant.getTime()),
  );
});

test('timestamps of any zone and precision are read', () => {
  assert.equal(
    parseTimestamptz('2026-01-02 03:04:05.678901+05:30').toISOString(),
    '2026-01-01T21:34:05.678Z',
  );
  assert.equal(parseTimestamptz('2026-01-02 03:04:05-08').toISOString(), '2026-01-02T11:04:05.000Z');
  assert.equal(parseTimestamptz('infinity') as unknown, Number.POSITIVE_INFINITY);
});

test('a taken key is told from other trouble', async () => {
  const id = randomUUID();
  const insert = () =>
    database.db.insertInto('image_tombstones').values({ id, owner: null, deleted_at: new Date() }).execute();
  await insert();
  await assert.rejects(insert(), (error) => {
    assert.ok(isUniqueViolation(error));
    assert.ok(isUniqueViolation(error, 'image_tombstones_pkey'));
    assert.ok(!isUniqueViolation(error, 'images_pkey'));
    assert.ok(isUniqueViolation(new Error('around', { cause: error }), 'image_tombstones_pkey'));
    return true;
  });
  assert.ok(!isUniqueViolation(new Error('other')));
});

test('a transaction leaves nothing when it throws', async () => {
  const id = randomUUID();
  const thrown = new Error('stop');
  const work = database.transaction(async (trx) => {
    await trx.insertInto('image_tombstones').values({ id, owner: null, deleted_at: new Date() }).execute();
    throw thrown;
  });
  await assert.rejects(work, thrown);
  const rows = await database.db.selectFrom('image_tombstones').selectAll().where('id', '=', id).execute();
  assert.deepEqual(rows, []);
});

test('the pool tells how many wait', async () => {
  const sleeps = Array.from({ length: 4 }, () => sql`SELECT pg_sleep(0.2)`.execute(database.db));
  await sql`SELECT 1`.execute(database.db);
  await Promise.all(sleeps);
  const held = Array.from({ length: 5 }, () => sql`SELECT pg_sleep(0.2)`.execute(database.db));
  await new Promise(setImmediate);
  const { total, waiting } = database.poolFigures();
  assert.deepEqual({ total, waiting }, { total: 3, waiting: 2 });
  await Promise.all(held);
  assert.equal(database.poolFigures().waiting, 0);
});

test('a killed connection is unavailable once, then the pool works again', async () => {
  const sleeping = failureOf(sql`SELECT pg_sleep(30)`.execute(database.db));
  const kill = sql<{ ended: number }>`
    SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
    WHERE query LIKE 'SELECT pg_sleep(30)%' AND pid <> pg_backend_pid()`;
  while ((await kill.execute(database.db)).rows[0]?.ended === 0) await new Promise(setImmediate);
  assert.equal((await sleeping).code, 'unavailable');
  await sql`SELECT 1`.execute(database.db);
});

test('idle connections that are lost do no harm', async () => {
  await Promise.all(Array.from({ length: 3 }, () => sql`SELECT pg_sleep(0.05)`.execute(database.db)));
  const other = await connect(place.config, { max: 1, applicationName: 'killer', log });
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'connect-test'`.execute(
    other.db,
  );
  await other.close();
  while (database.poolFigures().total > 0) await new Promise(setImmediate);
  await sql`SELECT 1`.execute(database.db);
});

test('a statement that takes too long is unavailable', async () => {
  const failure = await failureOf(
    database.transaction(async (trx) => {
      await sql`SET LOCAL statement_timeout = 50`.execute(trx);
      await sql`SELECT pg_sleep(10)`.execute(trx);
    }),
  );
  assert.equal(failure.code, 'unavailable');
  assert.match(failure.message, /too long/);
});

test('sessions have limits and UTC', async () => {
  const result = await sql<{ zone: string; statement: string; idle: string; name: string }>`
    SELECT current_setting('TimeZone') AS zone, current_setting('statement_timeout') AS statement,
           current_setting('idle_in_transaction_session_timeout') AS idle,
           current_setting('application_name') AS name`.execute(database.db);
  assert.deepEqual(result.rows[0], { zone: 'UTC', statement: '30s', idle: '10s', name: 'connect-test' });
});

test('a URL works as well', async () => {
  const other = await connect({ url: place.url }, { max: 1, applicationName: 'url-test', log });
  const result = await sql<{ name: string }>`SELECT current_database() AS name`.execute(other.db);
  assert.equal(result.rows[0]?.name, place.connection.database);
  await other.close();
  await other.close();
});

test('failures name the place and keep the password', async () => {
  const missing = await tryConnect({ connection: { ...place.connection, database: 'no_such' } });
  assert.equal(missing.code, 'unavailable');
  assert.match(missing.message, /has no such database/);
  const refused = await tryConnect({ url: 'postgresql://somebody:s3cret@127.0.0.1:1/images' });
  assert.match(
    refused.message,
    /127\.0\.0\.1:1, database "images", user "somebody" cannot be used: .*ECONNREFUSED/,
  );
  const nowhere = await tryConnect({ url: 'postgresql://u:s3cret@no-such-host.invalid/images' });
  assert.match(nowhere.message, /no-such-host\.invalid/);
  const noSocket = await tryConnect({ connection: { ...place.connection, host: '/no/such/folder' } });
  assert.match(noSocket.message, /\/no\/such\/folder/);
  const noUrl = await tryConnect({ url: 'postgresql://u:s3cret@[broken/images' });
  for (const failure of [refused, nowhere, noUrl]) {
    assert.equal(failure.code, 'unavailable');
    assert.doesNotMatch(failure.message, /s3cret/);
  }
});

test('a database of another encoding is refused', async () => {
  const name = `${place.connection.database}_ascii`;
  await sql.raw(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1'`).execute(database.db);
  const failure = await tryConnect({ connection: { ...place.connection, database: name } });
  assert.match(failure.message, /LATIN1; UTF8 is needed/);
  await sql.raw(`DROP DATABASE ${name}`).execute(database.db);
});
