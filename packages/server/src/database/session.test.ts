/** Sessions: numbers, liveness, messages and losses, with real processes and real kills. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { sql } from 'kysely';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from './connect.ts';
import { pollUntil } from './embedded/poll.ts';
import { openSession, type Reconnection, type Session } from './session.ts';
import { type Message, notifyIn } from './topics.ts';

const log = createLog('silent');
const lockClass = 1_953_066_612;
let place: TestDatabase;
let database: Database;
const sessions: Session[] = [];
const children: ChildProcess[] = [];

before(async () => {
  place = await testDatabase();
  database = await connect(place.config, { max: 3, applicationName: 'session-test', log });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});
after(async () => {
  await database.close();
  await place.close();
});

async function open(applicationName = 'session'): Promise<Session> {
  const session = await openSession(place.config, { applicationName, log });
  sessions.push(session);
  return session;
}

/** A process with a session; resolves with its number. */
async function openElsewhere(): Promise<{ child: ChildProcess; number: number }> {
  const source = `
    const { openSession } = await import(${JSON.stringify(import.meta.resolve('./session.ts'))});
    const { createLog } = await import(${JSON.stringify(import.meta.resolve('../base/log.ts'))});
    const session = await openSession(${JSON.stringify(place.config)},
      { applicationName: 'elsewhere', log: createLog('silent') });
    console.log(session.processNumber);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [output] = await once(child.stdout!, 'data');
  return { child, number: Number(output) };
}

const until = async (what: string, isTrue: () => boolean | Promise<boolean>) =>
  assert.ok(await pollUntil(isTrue, 10_000, 10), `never: ${what}`);

const listed = async (number: number) =>
  (await database.db.selectFrom('processes').selectAll().where('number', '=', number).execute()).length === 1;

/** Cuts the connection of a session from the server's side. */
async function cut(applicationName: string): Promise<void> {
  await sql`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE application_name = ${applicationName} AND datname = current_database()`.execute(
    database.db,
  );
}

/** Runs `work` while the database takes no new connections. */
async function shutFor(work: () => Promise<void>): Promise<void> {
  const connection = { ...place.connection, database: 'postgres' };
  const other = await connect({ connection }, { max: 1, applicationName: 'session-test', log });
  const allow = (answer: boolean) =>
    sql.raw(`ALTER DATABASE ${place.connection.database} ALLOW_CONNECTIONS ${answer}`).execute(other.db);
  await allow(false);
  try {
    await work();
  } finally {
    await allow(true);
    await other.close();
  }
}

/** The backend that holds a process number, if any. */
async function holder(number: number): Promise<number | undefined> {
  const result = await sql<{ pid: number }>`
    SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()
    WHERE locktype = 'advisory' AND classid = ${lockClass} AND objid = ${number} AND granted`.execute(
    database.db,
  );
  return result.rows[0]?.pid;
}

test('a process is listed and locked until it closes', async () => {
  const session = await open();
  assert.ok(session.connected);
  assert.ok(await listed(session.processNumber));
  assert.ok(await holder(session.processNumber));
  await session.close();
  await session.close();
  assert.ok(!session.connected);
  assert.ok(!(await listed(session.processNumber)));
  await until('the lock is released', async () => (await holder(session.processNumber)) === undefined);
});

test('a living process is not dead, nor is this one', async () => {
  const [one, two] = [await open(), await open()];
  const never = async () => assert.fail('it lives');
  assert.equal(await one.whenDead(two.processNumber, never), false);
  assert.equal(await one.whenDead(one.processNumber, never), false);
  assert.ok(await listed(one.processNumber));
  assert.ok(await holder(one.processNumber), 'its lock was given away');
});

test('a killed process is dead within a second and is seen to once', async () => {
  const [one, two] = [await open(), await open()];
  const { child, number } = await openElsewhere();
  assert.equal(await one.whenDead(number, async () => {}), false);
  child.kill('SIGKILL');
  const killed = performance.now();
  await until('it is judged dead', () => one.whenDead(number, async () => {}));
  assert.ok(performance.now() - killed < 1_000, `took ${performance.now() - killed} ms`);
  assert.ok(!(await listed(number)));
  assert.equal(await holder(number), undefined);
  assert.equal(await two.whenDead(number, async () => {}), true, 'a number without a row is dead too');
});

test('what fails is thrown and tried again', async () => {
  const session = await open();
  const { child, number } = await openElsewhere();
  child.kill('SIGKILL');
  await until('the lock is released', async () => (await holder(number)) === undefined);
  const thrown = new Error('no');
  await assert.rejects(
    session.whenDead(number, async () => {
      throw thrown;
    }),
    thrown,
  );
  assert.ok(await listed(number));
  assert.equal(await holder(number), undefined);
  assert.equal(await session.whenDead(number, async () => {}), true);
});

test('only one sees to a dead process at a time', async () => {
  const [one, two] = [await open(), await open()];
  const { child, number } = await openElsewhere();
  child.kill('SIGKILL');
  await until('the lock is released', async () => (await holder(number)) === undefined);
  const work = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = one.whenDead(number, () => {
    begun.resolve();
    return work.promise;
  });
  await begun.promise;
  const never = async () => assert.fail('two at a time');
  assert.equal(await one.whenDead(number, never), false);
  assert.equal(await two.whenDead(number, never), false);
  work.resolve();
  assert.equal(await first, true);
});

test('messages reach every process by topic, in transactions only when they commit', async () => {
  const [one, two] = [await open(), await open()];
  const heard: Message[] = [];
  one.on('deleted', (message) => heard.push(message));
  two.on('deleted', () => {
    throw new Error('a subscriber that fails');
  });
  const leave = two.on('deleted', (message) => heard.push(message));
  two.on('other', () => assert.fail('another topic'));
  await two.notify('deleted', { image: 'a', topic: 'other' });
  await until('both hear', () => heard.length === 2);
  assert.deepEqual(heard[0], { image: 'a', topic: 'deleted' });
  leave();
  await assert.rejects(
    database.transaction(async (trx) => {
      await notifyIn(trx, 'deleted', { image: 'rolled back' });
      throw new Error('stop');
    }),
  );
  await database.transaction((trx) => notifyIn(trx, 'deleted', { image: 'b' }));
  await until('one hears', () => heard.length === 3);
  assert.equal(heard[2]?.image, 'b');
  await assert.rejects(one.notify('deleted', { image: 'x'.repeat(8_000) }), { code: 'internal' });
});

test('a lost connection comes back under the same number, and says so', async () => {
  const session = await open('loses');
  const number = session.processNumber;
  const back = Promise.withResolvers<Reconnection>();
  session.onReconnect(back.resolve);
  const before = await holder(number);
  await shutFor(async () => {
    await cut('loses');
    await until('the loss is noticed', () => !session.connected);
    await assert.rejects(session.notify('any'), { code: 'unavailable' });
    assert.equal(await session.whenDead(number + 1_000, async () => {}), false);
  });
  assert.deepEqual(await back.promise, { processNumber: number, lostNumber: null });
  assert.ok(session.connected);
  assert.ok(await listed(number));
  assert.notEqual(await holder(number), before);
  const heard = Promise.withResolvers<Message>();
  session.on('again', heard.resolve);
  await notifyIn(database.db, 'again');
  await heard.promise;
});

test('a process judged dead while away comes back under a new number', async () => {
  const [judge, session] = [await open(), await open('judged')];
  const old = session.processNumber;
  const back = Promise.withResolvers<Reconnection>();
  session.onReconnect(back.resolve);
  // Ends the connection and takes the lock in its place, before the session is back.
  await database.db.connection().execute(async (db) => {
    const pid = await holder(old);
    const taken = sql`SELECT pg_advisory_lock(${lockClass}::integer, ${old}::integer)`.execute(db);
    await sql`SELECT pg_terminate_backend(${pid}::integer, 5000)`.execute(database.db);
    await taken;
    assert.deepEqual(await back.promise, { processNumber: session.processNumber, lostNumber: old });
    await sql`SELECT pg_advisory_unlock(${lockClass}::integer, ${old}::integer)`.execute(db);
  });
  assert.equal(await judge.whenDead(old, async () => {}), true);
  assert.notEqual(session.processNumber, old);
  assert.ok(await listed(session.processNumber));
  assert.equal(await judge.whenDead(session.processNumber, async () => {}), false);
});

test('a process whose row was removed while it was away takes a new number', async () => {
  const session = await open('forgotten');
  const old = session.processNumber;
  const back = Promise.withResolvers<Reconnection>();
  session.onReconnect(back.resolve);
  await database.db.deleteFrom('processes').where('number', '=', old).execute();
  await cut('forgotten');
  const { processNumber, lostNumber } = await back.promise;
  assert.equal(lostNumber, old);
  assert.ok(processNumber > old);
  assert.equal(await holder(old), undefined);
  assert.ok(await holder(processNumber));
});

/** A way to the database over TCP that can fall silent without closing: as when a firewall forgets it. */
async function openWay(t: TestContext) {
  const { host, port } = place.connection;
  const isSocket = host.startsWith('/');
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    const far = createConnection(isSocket ? { path: join(host, `.s.PGSQL.${port}`) } : { host, port });
    pairs.add([near, far]);
    near.on('error', () => {}).pipe(far);
    far.on('error', () => {}).pipe(near);
  });
  t.after(() => {
    server.close();
    for (const socket of [...pairs].flat()) socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const fallSilent = () => {
    for (const [near, far] of pairs) {
      near.unpipe(far).resume();
      far.unpipe(near).resume();
    }
  };
  return { port: (server.address() as AddressInfo).port, fallSilent };
}

test('a connection that went silent is given up, its backend ended, the number kept', async (t) => {
  const way = await openWay(t);
  const connection = { ...place.connection, host: '127.0.0.1', port: way.port };
  const heartbeat = { everyMillis: 50, answerMillis: 300 };
  const session = await openSession({ connection }, { applicationName: 'silent', log, heartbeat });
  sessions.push(session);
  const number = session.processNumber;
  const former = await holder(number);
  const back = Promise.withResolvers<Reconnection>();
  session.onReconnect(back.resolve);
  way.fallSilent();
  assert.deepEqual(await back.promise, { processNumber: number, lostNumber: null });
  assert.ok(await holder(number));
  assert.notEqual(await holder(number), former);
  const alive = await sql`SELECT 1 FROM pg_stat_activity WHERE pid = ${former}::integer`.execute(database.db);
  assert.equal(alive.rows.length, 0);
});

test('closing while away ends at once', async () => {
  const session = await open('closes');
  await shutFor(async () => {
    await cut('closes');
    await until('the loss is noticed', () => !session.connected);
    await session.close();
  });
  assert.ok(!session.connected);
  assert.ok(await listed(session.processNumber), 'for others to see to');
});
