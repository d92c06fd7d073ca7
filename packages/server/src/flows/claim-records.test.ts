/** What is taken from the queue is what the engine would have taken, within the limits, and never lost. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { type FlowWorkers, openFlowWorkers } from '../../../../test/support/flow-workers.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import { type Claim, claimFlows, unclaimFlows } from './claim-records.ts';
import { applicationName, engineSchema, flowVersion, queueName } from './dbos.ts';

const statuses = sql.table(`${engineSchema}.workflow_status`);
/** No worker of these tests knows it. */
const flow = 'nobody-knows';

let workers: FlowWorkers;

before(async () => {
  workers = await openFlowWorkers();
});
after(() => workers?.close());

function claimOf(more: Partial<Claim> = {}): Claim {
  const ids = { worker: randomUUID(), owner: randomUUID() };
  return { ...ids, room: 1000, perProject: 1000, total: null, beyond: '', unfit: [], ...more };
}

function claim(more: Partial<Claim> = {}) {
  return claimFlows(workers.database.db, claimOf(more));
}

async function startAll(...projects: string[]): Promise<string[]> {
  return await Promise.all(projects.map((project) => workers.start(flow, {}, project)));
}

async function rowOf(id: string): Promise<Record<string, unknown>> {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT * FROM ${statuses} WHERE workflow_uuid = ${id}`.execute(workers.database.db);
  return rows[0]!;
}

/** Takes all that waits and all that is under way out of the way. */
async function clear(): Promise<void> {
  await sql`UPDATE ${statuses} SET status = 'SUCCESS'`.execute(workers.database.db);
}

/** What has no business to be the same in the rows of two flows. */
const own = [
  ...['workflow_uuid', 'owner_xid', 'creator_xid', 'queue_partition_key', 'inputs'],
  ...['created_at', 'started_at_epoch_ms', 'updated_at'],
];

test('the engine itself would have claimed the same', async () => {
  await clear();
  const worker = randomUUID();
  const [ours] = (await startAll('ours')) as [string];
  assert.deepEqual((await claim({ worker })).flows, [ours]);
  const [theirs] = (await startAll('theirs')) as [string];
  const { systemDatabase } = workers.engine.client as unknown as {
    systemDatabase: { findAndMarkStartableWorkflows(...words: unknown[]): Promise<string[]> };
  };
  const queue = { name: queueName, workerConcurrency: 1, partitionConcurrency: 1 };
  const claimed = await systemDatabase.findAndMarkStartableWorkflows(
    ...[queue, worker, flowVersion, 'theirs', 0, 0, randomUUID()],
  );
  assert.deepEqual(claimed, [theirs]);
  const rows = await Promise.all([ours, theirs].map(rowOf));
  for (const row of rows) {
    assert.match(String(row.owner_xid), /^[0-9a-f-]{36}$/);
    assert.equal(row.started_at_epoch_ms, row.updated_at);
  }
  const [left, right] = rows.map((row) => Object.entries(row).filter(([name]) => !own.includes(name)));
  assert.deepEqual(left, right);
});

test('the limits hold among workers that ask at the same moment', async () => {
  await clear();
  await startAll(...Array.from({ length: 24 }, (_, index) => `project ${index % 3}`));
  const asked = Array.from({ length: 8 }, () => claim({ room: 4, perProject: 3, total: 7 }));
  const flows = (await Promise.all(asked)).flatMap((one) => one.flows);
  assert.equal(flows.length, 7);
  assert.equal(new Set(flows).size, 7);
  const projects = await Promise.all(flows.map(async (id) => (await rowOf(id)).queue_partition_key));
  for (const project of new Set(projects)) assert.ok(projects.filter((one) => one === project).length <= 3);
  assert.deepEqual((await claim({ perProject: 3, total: 7 })).flows, []);
  assert.equal((await claim({ perProject: 3 })).flows.length, 2);
});

test('the project with the fewest under way comes first, and in it what has waited longest', async () => {
  await clear();
  await startAll('greedy', 'greedy');
  await claim();
  const [early] = await startAll('modest');
  await startAll('greedy', 'modest');
  assert.deepEqual((await claim({ room: 1 })).flows, [early]);
});

test('of many projects that wait all are reached, a hundred at a time', async () => {
  await clear();
  await startAll(...Array.from({ length: 230 }, (_, index) => `one of many ${index}`));
  const counts: number[] = [];
  let beyond = '';
  do {
    const { flows, next } = await claim({ beyond });
    counts.push(flows.length);
    beyond = next;
  } while (beyond !== '');
  assert.deepEqual(counts, [100, 100, 30]);
});

test('flows of another version, and of another application, are left alone', async () => {
  await clear();
  const [id] = (await startAll('one')) as [string];
  const become = (version: string | null, application: string | null) =>
    sql`UPDATE ${statuses} SET application_version = ${version}, application_name = ${application}
      WHERE workflow_uuid = ${id}`.execute(workers.database.db);
  await become('0.9', applicationName);
  assert.deepEqual((await claim()).flows, []);
  await become(flowVersion, 'another');
  assert.deepEqual((await claim()).flows, []);
  await become(null, null);
  assert.deepEqual((await claim()).flows, [id]);
});

test('what a worker cannot run it leaves to others', async () => {
  await clear();
  const [unfit, fit] = (await startAll('one', 'one')) as [string, string];
  assert.deepEqual((await claim({ unfit: [unfit], perProject: 1 })).flows, [fit]);
  assert.deepEqual((await claim()).flows, [unfit]);
});

test('a flow that somebody is changing keeps no other from being taken', async () => {
  await clear();
  const [held, free] = (await startAll('one', 'two')) as [string, string];
  await workers.database.transaction(async (queries) => {
    await sql`SELECT 1 FROM ${statuses} WHERE workflow_uuid = ${held} FOR UPDATE`.execute(queries);
    assert.deepEqual((await claim()).flows, [free]);
  });
  assert.deepEqual((await claim()).flows, [held]);
});

test('what a claim has taken is given back as it was, and nothing else', async () => {
  await clear();
  const [lost] = (await startAll('one')) as [string];
  const before = await rowOf(lost);
  const lostClaim = claimOf();
  assert.deepEqual((await claimFlows(workers.database.db, lostClaim)).flows, [lost]);
  const [kept] = (await startAll('one')) as [string];
  await claim();
  await unclaimFlows(workers.database.db, [lostClaim.owner]);
  const { recovery_attempts, status, owner_xid } = await rowOf(lost);
  assert.deepEqual([recovery_attempts, status, owner_xid], [before.recovery_attempts, 'ENQUEUED', null]);
  assert.equal((await rowOf(kept)).status, 'PENDING');
});

interface Losing {
  readonly database: Database;
  readonly hasLost: () => boolean;
  close(): Promise<void>;
}

/** A connection to the database that, once, ends when it has the answer to a claim. */
async function losingDatabase(): Promise<Losing> {
  const { host, port } = workers.home.connection;
  const open = new Set<Socket>();
  let hasLost = false;
  const server = createServer((client) => {
    const database = createConnection(
      host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port },
    );
    let isClaim = false;
    client.on('data', (bytes) => {
      isClaim = !hasLost && bytes.includes('claim_flows');
      database.write(bytes);
    });
    database.on('data', (bytes) => {
      if (!isClaim) return client.write(bytes);
      hasLost = true;
      client.destroy();
    });
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = {
    ...workers.home.connection,
    host: '127.0.0.1',
    port: (server.address() as { port: number }).port,
  };
  const database = await connect(
    { connection },
    { max: 4, applicationName: 'losing', log: createLog('fatal') },
  );
  return {
    database,
    hasLost: () => hasLost,
    async close() {
      await database.close();
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

test('flows that were taken by a claim whose answer was lost are given back and taken again', async () => {
  await clear();
  const losing = await losingDatabase();
  const steps = [{ name: 'only', do: async () => null }];
  const id = await workers.start('lost');
  const worker = await workers.begin([{ name: 'lost', steps: () => steps }], { database: losing.database });
  const { state, attempts } = await workers.ended(id);
  assert.deepEqual([state, attempts.map((attempt) => attempt.state)], ['success', ['done']]);
  assert.ok(losing.hasLost());
  await worker.close();
  await losing.close();
});
