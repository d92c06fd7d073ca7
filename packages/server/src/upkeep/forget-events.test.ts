/** Old events go, by age and by number, and those who were not told learn that there were some. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { sql } from 'kysely';
import { testDatabase } from '../../../../test/support/database.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import type { NewEvent } from '../events/event.ts';
import { eventHead, eventsAfter, placeEvents, recordEvents } from '../events/event-records.ts';
import { openEngine } from '../flows/engine.ts';
import { forgetOldEvents } from './forget-events.ts';
import type { UpkeepParts } from './job.ts';

const limits = {
  queuedHours: 0,
  stagedHours: 0,
  stuckHours: 0,
  killedHours: 0,
  actionHours: 0,
  eventHours: 0,
  eventCount: 0,
};

async function forget(
  { database, engine }: Pick<UpkeepParts, 'database' | 'engine'>,
  wanted: Partial<typeof limits>,
  dryRun: boolean,
): Promise<string[]> {
  const ids: string[] = [];
  const parts = { database, engine, limits: { ...limits, ...wanted }, scrubMs: 0 };
  const tell = (id: string) => ids.push(id);
  await forgetOldEvents.run(parts, { dryRun, tell, signal: new AbortController().signal });
  return ids;
}

async function opened() {
  const own = await testDatabase();
  const database = await connect(own.config, { max: 2, applicationName: 'forget', log: createLog('error') });
  const engine = await openEngine(own.config, createLog('error'));
  return {
    database,
    engine,
    async [Symbol.asyncDispose]() {
      await engine.close();
      await database.close();
      await own.close();
    },
  };
}

async function left(database: Database): Promise<unknown[]> {
  const events = await eventsAfter(database.db, { after: 0, upTo: 10, most: 100 });
  return events.map(({ payload }) => payload.count);
}

test('the oldest are forgotten, by age and by number, and how far is remembered', async () => {
  await using own = await opened();
  const { database } = own;
  const events = Array.from({ length: 10 }, (_, count): NewEvent => {
    return {
      type: 'image.update',
      priority: 'info',
      project: 'a',
      imageId: randomUUID(),
      payload: { count },
    };
  });
  await database.transaction((queries) => recordEvents(queries, events));
  await placeEvents(database);
  assert.deepEqual(await forget(own, {}, false), []);
  await sql`UPDATE events SET created_at = now() - interval '2 hours' WHERE position <= 4`.execute(
    database.db,
  );
  const due = await forget(own, { eventHours: 1 }, true);
  assert.equal(due.length, 4);
  assert.equal((await eventHead(database.db)).forgotten, 0);
  assert.deepEqual(await forget(own, { eventHours: 1 }, false), due);
  assert.deepEqual(await eventHead(database.db), { position: 10, forgotten: 4 });
  assert.deepEqual(await left(database), [4, 5, 6, 7, 8, 9]);
  assert.equal((await forget(own, { eventCount: 2 }, false)).length, 4);
  assert.deepEqual(await left(database), [8, 9]);
});
