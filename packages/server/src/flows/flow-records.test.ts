/** The attempts of a flow, in their order. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import { attemptsOfFlow, lastAtWork } from './flow-records.ts';

let own: TestDatabase;
let database: Database;

before(async () => {
  own = await testDatabase();
  database = await connect(own.config, { max: 1, applicationName: 'test', log: createLog('silent') });
});
after(async () => {
  await database.close();
  await own.close();
});

test('attempts that begin within a millisecond are told in their order', async () => {
  await database.db.insertInto('flows').values({ id: 'f', name: 'n', project: 'p', subject: null }).execute();
  const steps = ['d', 'a', 'c', 'b', 'e'];
  for (const [index, step] of steps.entries()) {
    const time = `2026-01-02 03:04:05.678${index}00Z`;
    await sql`
      INSERT INTO flow_attempts (id, flow, step, round, number, worker, state, started_at)
      VALUES (${randomUUID()}, 'f', ${step}, 1, ${steps.length - index}, ${randomUUID()}, 'done', ${time}::timestamptz)
    `.execute(database.db);
  }
  assert.deepEqual(
    (await attemptsOfFlow(database.db, 'f')).map(({ step }) => step),
    steps,
  );
  const [last] = await lastAtWork(database.db, ['f']);
  assert.equal(last?.step, 'e');
});
