/** What is recorded of the pieces of a flow is what the engine would have recorded, and nobody else's. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { type FlowWorkers, openFlowWorkers } from '../../../../test/support/flow-workers.ts';
import { insertFirstAttempt, type Run } from './attempt-records.ts';
import { engineSchema } from './dbos.ts';
import type { AnyFlow } from './flow.ts';
import { Ledger } from './ledger.ts';

const statuses = sql.table(`${engineSchema}.workflow_status`);
const recorded = sql.table(`${engineSchema}.operation_outputs`);
const outcome = { result: { bytes: 3, tags: ['a', null], name: null } };

let workers: FlowWorkers;

before(async () => {
  workers = await openFlowWorkers();
});
after(() => workers?.close());

/** A flow that is under way here, and the run that has it. */
async function runOf(): Promise<Run> {
  const run = { flow: await workers.start('nobody-knows'), owner: randomUUID(), worker: randomUUID() };
  await take(run);
  return run;
}

async function take({ flow, owner }: Run): Promise<void> {
  await sql`UPDATE ${statuses} SET status = 'PENDING', owner_xid = ${owner} WHERE workflow_uuid = ${flow}`.execute(
    workers.database.db,
  );
}

async function attemptOf(run: Run, step: string): Promise<string> {
  const id = randomUUID();
  assert.ok(await insertFirstAttempt(workers.database.db, run, { id, step }));
  return id;
}

function ledgerOf(run: Run): Ledger {
  const { dbos, client } = workers.engine;
  return new Ledger(workers.database, run, dbos, client.serializer);
}

function placeOf(number: number, name = 'step') {
  return { number, name, startedAt: Date.now() };
}

async function rowsOf(flow: string): Promise<Record<string, unknown>[]> {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT * FROM ${recorded} WHERE workflow_uuid = ${flow} ORDER BY function_id`.execute(
    workers.database.db,
  );
  return rows;
}

async function stateOf(attempt: string): Promise<string | undefined> {
  const query = workers.database.db.selectFrom('flow_attempts').select('state').where('id', '=', attempt);
  return (await query.executeTakeFirst())?.state;
}

test('the engine itself would have recorded the same', async () => {
  const flow: AnyFlow = { name: 'recorded', steps: () => [{ name: 'step', do: async () => outcome.result }] };
  const worker = await workers.begin([flow]);
  const id = await workers.start('recorded');
  assert.equal((await workers.ended(id)).state, 'success');
  await worker.close();
  const [ours] = await rowsOf(id);
  const run = { ...(await runOf()), flow: id };
  const { systemDatabase } = workers.engine.client as unknown as {
    systemDatabase: { recordOperationResult(...words: unknown[]): Promise<void> };
  };
  const { serializer } = workers.engine.client;
  const output = await serializer.stringify(outcome);
  const times = [Number(ours!.started_at_epoch_ms), Number(ours!.completed_at_epoch_ms)];
  await systemDatabase.recordOperationResult(id, 1, 'step', true, ...times, {
    output,
    serialization: serializer.name(),
  });
  const [, theirs] = await rowsOf(id);
  const varying = { function_id: 0, retention_timestamp: 0 };
  assert.deepEqual({ ...ours, ...varying }, { ...theirs, ...varying });
  assert.equal(ours!.function_id, 0);
  assert.deepEqual(await ledgerOf(run).find(placeOf(1)), outcome);
});

test('a record is found by the next run, at its place and under its name alone', async () => {
  const run = await runOf();
  const attempt = await attemptOf(run, 'step');
  const entry = await ledgerOf(run).entry(placeOf(0), outcome, attempt);
  assert.deepEqual(entry.outcome, outcome);
  assert.equal(await entry.write(), true);
  assert.equal(await stateOf(attempt), 'done');
  const next = ledgerOf(run);
  assert.deepEqual(await next.find(placeOf(0)), outcome);
  assert.equal(await next.find(placeOf(1)), undefined);
  await assert.rejects(next.find(placeOf(0, 'other')), /step was recorded at 0 .* not other/);
});

test('an entry whose answer was lost can be written again, and is there once', async () => {
  const run = await runOf();
  const attempt = await attemptOf(run, 'step');
  const entry = await ledgerOf(run).entry(placeOf(0), outcome, attempt);
  assert.equal(await entry.write(), true);
  assert.equal(await entry.write(), true);
  assert.equal((await rowsOf(run.flow)).length, 1);
});

test('a run that has lost its flow, or an attempt that somebody else has ended, writes nothing', async () => {
  const run = await runOf();
  const attempt = await attemptOf(run, 'step');
  const ledger = ledgerOf(run);
  const failure = { failure: { code: 'cancelled', message: 'The work was cancelled.' } } as const;
  await workers.database.db.updateTable('flow_attempts').set({ state: 'lost' }).execute();
  assert.equal(await (await ledger.entry(placeOf(0), outcome, attempt)).write(), false);
  await workers.database.db.updateTable('flow_attempts').set({ state: 'running' }).execute();
  await take({ ...run, owner: randomUUID() });
  const late = await ledger.entry(placeOf(0), outcome, attempt);
  assert.equal(await late.write(), false);
  assert.equal(await late.write(), false);
  assert.equal(await (await ledger.entry(placeOf(0), failure, null)).write(), false);
  assert.equal(await stateOf(attempt), 'running');
  assert.deepEqual(await rowsOf(run.flow), []);
});

test('a failure is recorded without an attempt of its own', async () => {
  const run = await runOf();
  const failure = { failure: { code: 'cancelled', message: 'The work was cancelled.' } } as const;
  const entry = await ledgerOf(run).entry(placeOf(0), failure, null);
  assert.equal(await entry.write(), true);
  assert.deepEqual(await ledgerOf(run).find(placeOf(0)), failure);
});
