/** Events in the database: written with the change they tell of, put into one order after it, forgotten in the end. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { markCommit } from '../database/after-commit.ts';
import { currentTime } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import { notifyIn } from '../database/topics.ts';
import type { Event, NewEvent } from './event.ts';

/** Set on transactions that have written events. */
export const eventsWritten = 'events-written';

/** Announced to every server process: `{ position }`, the last one that has an event. */
export const eventsPlaced = 'events-placed';

/** Events put into order in one go. */
const batch = 500;

/**
 * Writes down what happened, in the transaction in which it does: told if that commits, and only then. Of events on
 * one image, the transaction must hold the image's row.
 */
export async function recordEvents(queries: Queries, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const now = currentTime();
  const rows = events.map(
    ({ type, priority, project, imageId, payload }) =>
      sql`(${randomUUID()}::uuid, ${type}, ${priority}, ${project}, ${imageId}::uuid, ${JSON.stringify(payload)}::json, ${now}::timestamptz)`,
  );
  await executePrepared(
    queries,
    sql`INSERT INTO events (id, type, priority, project, image_id, payload, created_at) VALUES ${sql.join(rows)}`,
  );
  markCommit(queries, eventsWritten);
}

export async function recordEvent(queries: Queries, event: NewEvent): Promise<void> {
  await recordEvents(queries, [event]);
}

/**
 * Puts what is committed behind what has a place already, and announces it. Resolves with how many those were: below
 * `batch` nothing is left. The head's row is held meanwhile, so that positions are given in the order of commits: whoever
 * sees one sees all before it.
 */
async function placeBatch(database: Database): Promise<number> {
  return await database.transaction(async (queries) => {
    const [head] = await executePrepared(
      queries,
      queries.selectFrom('event_head').select('position').forUpdate(),
    );
    const { position: last } = head!;
    // A statement of its own: it must see what was committed while the row was waited for.
    const placed = await executePrepared(
      queries,
      sql`
      UPDATE events SET position = ${last}::bigint + fresh.place
      FROM (
        SELECT number, row_number() OVER (ORDER BY number) AS place
        FROM (SELECT number FROM events WHERE position IS NULL ORDER BY number LIMIT ${batch}) AS unplaced
      ) AS fresh
      WHERE events.number = fresh.number AND events.position IS NULL
      RETURNING 1`,
    );
    if (placed.length === 0) return 0;
    const position = last + placed.length;
    await executePrepared(queries, queries.updateTable('event_head').set({ position }));
    await notifyIn(queries, eventsPlaced, { position });
    return placed.length;
  });
}

/** Gives every event that is committed its place. */
export async function placeEvents(database: Database): Promise<void> {
  if (!(await hasUnplaced(database))) return;
  while ((await placeBatch(database)) === batch);
}

/** Asked often, and answered from an index. */
async function hasUnplaced(database: Database): Promise<boolean> {
  const rows = await executePrepared(
    database.db,
    sql`SELECT 1 FROM events WHERE position IS NULL ORDER BY number LIMIT 1`,
  );
  return rows.length > 0;
}

export interface EventHead {
  /** The last position given. */
  readonly position: number;
  /** The last position whose event is no longer kept. */
  readonly forgotten: number;
}

export async function eventHead(queries: Queries): Promise<EventHead> {
  return await queries.selectFrom('event_head').select(['position', 'forgotten']).executeTakeFirstOrThrow();
}

export interface EventFilter {
  /** After this position, and up to that one. */
  readonly after: number;
  readonly upTo: number;
  readonly most: number;
  /** Only those of this project, and on no image that is another's by now; undefined: of all. */
  readonly project?: string | undefined;
  readonly imageId?: string | undefined;
}

/** In their order. */
export async function eventsAfter(
  queries: Queries,
  { after, upTo, most, project, imageId }: EventFilter,
): Promise<Event[]> {
  const mine = sql`AND project = ${project} AND NOT EXISTS (
    SELECT FROM images WHERE images.id = events.image_id AND images.owner IS DISTINCT FROM events.project)`;
  const ofImage = sql`AND image_id = ${imageId}::uuid`;
  return await executePrepared(
    queries,
    sql<Event>`
      SELECT id, position, type, priority, project, image_id AS "imageId", payload, created_at AS time FROM events
      WHERE position > ${after} AND position <= ${upTo} ${project === undefined ? sql`` : mine} ${imageId === undefined ? sql`` : ofImage}
      ORDER BY position LIMIT ${most}`,
  );
}

/** Positions up to the result are due to be forgotten: older than `time`, or not among the last `most`. */
async function dueUpTo(queries: Queries, time: Date, most: number): Promise<number> {
  const { position } = await eventHead(queries);
  const kept = await queries
    .selectFrom('events')
    .select('position')
    .where('position', 'is not', null)
    .where('created_at', '>=', time)
    .orderBy('position')
    .limit(1)
    .executeTakeFirst();
  const young = kept === undefined ? position : kept.position! - 1;
  return Math.max(young, position - most);
}

export interface Forgetting {
  /** Events before this are forgotten. */
  readonly time: Date;
  /** Events kept at most. */
  readonly most: number;
}

/** Ids of those that are due, oldest first: the first of them, after those of an earlier call up to `after`. */
export async function dueEvents(
  queries: Queries,
  { time, most }: Forgetting,
  after: number,
): Promise<{ readonly id: string; readonly position: number }[]> {
  const upTo = await dueUpTo(queries, time, most);
  const rows = await queries
    .selectFrom('events')
    .select(['id', 'position'])
    .where('position', '>', after)
    .where('position', '<=', upTo)
    .orderBy('position')
    .limit(batch)
    .execute();
  return rows.map(({ id, position }) => ({ id, position: position! }));
}

/** Whoever was not told by now will learn that there were some. */
export async function forgetEvents(queries: Queries, upTo: number): Promise<void> {
  await queries.selectFrom('event_head').select('position').forUpdate().execute();
  await queries.deleteFrom('events').where('position', '<=', upTo).execute();
  await queries.updateTable('event_head').set({ forgotten: upTo }).where('forgotten', '<', upTo).execute();
}
