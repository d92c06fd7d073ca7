/** What connect() and migrate() say when PostgreSQL refuses: password, address, room, rights. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { Failure } from '../base/failure.ts';
import { createLog } from '../base/log.ts';
import { type Connection, connect } from './connect.ts';
import { type EmbeddedDatabase, startEmbedded } from './embedded/start.ts';
import { migrate } from './migrate.ts';

const log = createLog('silent');
const password = 's3cret/@:ü';
let folder: string;
let embedded: EmbeddedDatabase;

const open = (connection: Connection) =>
  connect({ connection }, { max: 1, applicationName: 'refused-test', log });

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tintype-refused-'));
  await chmod(folder, 0o711);
  const rules = join(folder, 'rules.conf');
  await writeFile(rules, 'local all tintype trust\nlocal all banned reject\nlocal all all scram-sha-256\n');
  await chmod(rules, 0o644);
  embedded = await startEmbedded({ dataDir: join(folder, 'data'), log, settings: { hba_file: rules } });
  const database = await open(embedded.connection);
  await sql.raw(`CREATE ROLE limited LOGIN PASSWORD '${password}' CONNECTION LIMIT 2`).execute(database.db);
  await sql`CREATE ROLE banned LOGIN`.execute(database.db);
  await database.close();
});
after(async () => {
  await embedded.stop();
  await rm(folder, { recursive: true });
});

async function refusal(connection: Connection): Promise<string> {
  try {
    await (await open(connection)).close();
  } catch (error) {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, 'unavailable');
    assert.ok(!error.message.includes('s3cret'));
    return error.message;
  }
  throw new Error('it was not refused');
}

test('the right password is let in, a wrong one told', async () => {
  const limited = { ...embedded.connection, user: 'limited' };
  await (await open({ ...limited, password })).close();
  const wrong = await refusal({ ...limited, password: `${password}!` });
  assert.match(wrong, /database "tintype", user "limited" refuses the password\.$/);
  assert.match(await refusal(limited), /user "limited"/);
});

test('an address or user that the rules refuse is told', async () => {
  assert.match(await refusal({ ...embedded.connection, user: 'banned' }), /refuses this user or address/);
});

/** PostgreSQL takes a moment to notice that a connection has ended. */
async function gone(user: string): Promise<void> {
  const watcher = await open(embedded.connection);
  const count = sql<{
    left: string;
  }>`SELECT count(*)::text AS left FROM pg_stat_activity WHERE usename = ${user}`;
  while ((await count.execute(watcher.db)).rows[0]!.left !== '0') await delay(20);
  await watcher.close();
}

test('no more connections are told', async () => {
  const limited = { ...embedded.connection, user: 'limited', password };
  const databases = [await open(limited), await open(limited)];
  await Promise.all(databases.map(({ db }) => sql`SELECT 1`.execute(db)));
  assert.match(await refusal(limited), /accepts no more connections/);
  await Promise.all(databases.map((database) => database.close()));
  await gone('limited');
});

test('a user that may not create tables is told so', async () => {
  const database = await open({ ...embedded.connection, user: 'limited', password });
  await assert.rejects(migrate(database), { code: 'internal', message: /may not create tables/ });
  await database.close();
});
