/** Events are told if and only if what they tell of was committed, all of them, and those of one image in order. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';
import { openSession, type Session } from '../database/session.ts';
import { type Event, isNamed, type NewEvent } from './event.ts';
import { eventsAfter, placeEvents, recordEvent, recordEvents } from './event-records.ts';
import { type EventFeed, openFeed } from './feed.ts';

const log = createLog('error');
let own: TestDatabase;
let database: Database;
let session: Session;
let feed: EventFeed;

before(async () => {
  own = await testDatabase();
  database = await connect(own.config, { max: 20, applicationName: 'events', log });
  session = await openSession(own.config, { applicationName: 'events session', log });
  feed = await openFeed({ database, session, log });
});

after(async () => {
  await feed.close();
  await session.close();
  await database.close();
  await own.close();
});

function eventOf(imageId: string, count: number): NewEvent {
  return { type: 'image.update', priority: 'info', project: 'a', imageId, payload: { count } };
}

async function told(position: number, imageId?: string): Promise<Event[]> {
  return await eventsAfter(database.db, { after: position, upTo: feed.position, most: 10_000, imageId });
}

/** Waits until the feed has gone beyond `position`. */
async function beyond(one: EventFeed, position: number): Promise<void> {
  await one.beyond(position, 20_000, new AbortController().signal);
  assert.ok(one.position > position, 'nothing was told within twenty seconds');
}

test('what is rolled back is not told, what is committed is', async () => {
  const start = feed.position;
  const [kept, lost] = [randomUUID(), randomUUID()];
  await assert.rejects(
    database.transaction(async (queries) => {
      await recordEvent(queries, eventOf(lost, 1));
      throw new Error('no');
    }),
  );
  await database.transaction((queries) => recordEvents(queries, [eventOf(kept, 1), eventOf(kept, 2)]));
  await beyond(feed, start);
  const events = await told(start);
  assert.deepEqual(
    events.map(({ imageId, payload }) => [imageId, payload.count]),
    [
      [kept, 1],
      [kept, 2],
    ],
  );
  assert.equal(events[1]!.position, start + 2);
});

test('an event whose transaction began first and commits last is told after those that were told before', async () => {
  const [slow, quick] = [randomUUID(), randomUUID()];
  const start = feed.position;
  const { promise: recorded, resolve: tellRecorded } = Promise.withResolvers<void>();
  const { promise: mayCommit, resolve: letCommit } = Promise.withResolvers<void>();
  const late = database.transaction(async (queries) => {
    await recordEvent(queries, eventOf(slow, 1));
    tellRecorded();
    await mayCommit;
  });
  await recorded;
  await database.transaction((queries) => recordEvent(queries, eventOf(quick, 1)));
  await beyond(feed, start);
  const first = await told(start);
  assert.deepEqual(
    first.map(({ imageId }) => imageId),
    [quick],
  );
  const position = feed.position;
  letCommit();
  await late;
  await beyond(feed, position);
  assert.deepEqual(
    (await told(position)).map(({ imageId }) => imageId),
    [slow],
  );
});

/** Adds one to what the transaction has locked, and tells of it. */
async function count(queries: Queries, imageId: string): Promise<void> {
  const { rows } = await sql<{ count: number }>`
    UPDATE counted SET count = count + 1 WHERE image_id = ${imageId} RETURNING count`.execute(queries);
  await recordEvent(queries, eventOf(imageId, rows[0]!.count));
}

test('whatever crosses, a reader that goes on where it was misses nothing and sees each image in order', async () => {
  await sql`CREATE TABLE counted (image_id uuid PRIMARY KEY, count integer NOT NULL DEFAULT 0)`.execute(
    database.db,
  );
  const images = Array.from({ length: 4 }, () => randomUUID());
  for (const id of images) await sql`INSERT INTO counted (image_id) VALUES (${id})`.execute(database.db);
  const changes = 60;
  let position = feed.position;
  const seen: Event[] = [];
  const reading = (async () => {
    while (seen.length < images.length * changes) {
      await beyond(feed, position);
      const events = await told(position);
      assert.ok(events.length > 0);
      seen.push(...events);
      position = events.at(-1)!.position;
    }
  })();
  const changing = images.flatMap((id) =>
    [0, 1, 2].map(async (lane) => {
      for (let done = 0; done < changes / 3; done += 1)
        await database.transaction(async (queries) => {
          // Transactions write something else before they come to the image: their age says nothing about the order.
          if (lane === 0) await sql`SELECT pg_current_xact_id()`.execute(queries);
          if (lane === 1) await delay(Math.random() * 3);
          await count(queries, id);
          if (lane === 2) await delay(Math.random() * 3);
        });
    }),
  );
  await Promise.all([...changing, reading]);
  for (const id of images)
    assert.deepEqual(
      seen.filter(({ imageId }) => imageId === id).map(({ payload }) => payload.count),
      Array.from({ length: changes }, (_, index) => index + 1),
    );
  const positions = seen.map((event) => event.position);
  assert.deepEqual(
    positions,
    positions.toSorted((a, b) => a - b),
  );
});

test('commits that come while a round is held up share the next one', async () => {
  const other = await connect(own.config, { max: 4, applicationName: 'held up', log });
  let asked = 0;
  const counting: Database = {
    ...other,
    get db() {
      asked += 1;
      return other.db;
    },
  };
  const second = await openFeed({ database: counting, session, log });
  const { promise: held, resolve: tellHeld } = Promise.withResolvers<void>();
  const { promise: mayGo, resolve: letGo } = Promise.withResolvers<void>();
  const holding = other.transaction(async (queries) => {
    await sql`SELECT set_config('idle_in_transaction_session_timeout', '0', true)`.execute(queries);
    await sql`SELECT FROM event_head FOR UPDATE`.execute(queries);
    tellHeld();
    await mayGo;
  });
  await held;
  const start = feed.position;
  const commits = 200;
  for (let done = 0; done < commits; done += 1)
    await other.transaction((queries) => recordEvent(queries, eventOf(randomUUID(), done)));
  letGo();
  await holding;
  while (feed.position < start + commits) await beyond(feed, feed.position);
  await second.close();
  await other.close();
  // Some of them at its start, and with every look that it takes now and then.
  assert.ok(asked < 15, `the database was asked ${asked} times`);
});

test('a process learns of the events of others, and sees to those that a dead one left without a place', async () => {
  const start = feed.position;
  const other = await connect(own.config, { max: 2, applicationName: 'other', log });
  try {
    // Nobody in that process looks after events.
    await other.transaction((queries) => recordEvent(queries, eventOf(randomUUID(), 1)));
    await placeEvents(other);
    await beyond(feed, start);
    await other.transaction((queries) => recordEvent(queries, eventOf(randomUUID(), 2)));
    const position = feed.position;
    const second = await openFeed({ database: other, session, log });
    await beyond(feed, position);
    await second.close();
  } finally {
    await other.close();
  }
  assert.equal((await told(start)).length, 2);
});

test('only those of a project, and none on an image that has gone to another', async () => {
  const start = feed.position;
  const image = randomUUID();
  await database.transaction((queries) =>
    recordEvents(queries, [
      eventOf(image, 1),
      { ...eventOf(image, 2), project: 'b' },
      { ...eventOf(image, 3), project: null, imageId: null },
    ]),
  );
  await beyond(feed, start);
  const scope = { after: start, upTo: feed.position, most: 10 };
  const counts = async (project: string) =>
    (await eventsAfter(database.db, { ...scope, project })).map(({ payload }) => payload.count);
  assert.deepEqual(await counts('a'), [1]);
  assert.deepEqual(await counts('b'), [2]);
  await sql`INSERT INTO images (id, status, visibility, protected, os_hidden, owner, min_disk, min_ram, tags, properties,
      search_terms, created_at, updated_at)
    VALUES (${image}, 'queued', 'shared', false, false, 'b', 0, 0, '{}', '{}', '{}', now(), now())`.execute(
    database.db,
  );
  assert.deepEqual(await counts('a'), []);
  assert.deepEqual(await counts('b'), [2]);
});

test('groups name what is in them', () => {
  assert.ok(isNamed(['image'], 'image.member.create'));
  assert.ok(isNamed(['image.member'], 'image.member.create'));
  assert.ok(isNamed(['task.success'], 'task.success'));
  assert.ok(!isNamed(['image.mem', 'task'], 'image.member.create'));
});
