/** Receivers in the database: how far each is, whose turn it is to tell it, and what it did not take. */
import { type RawBuilder, sql } from 'kysely';
import { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import type { Event } from './event.ts';
import { eventHead } from './event-records.ts';

/** Seconds that a teller may be silent before another takes its place. */
const tellerSeconds = 45;

const untilThen: RawBuilder<Date> = sql`now() + make_interval(secs => ${tellerSeconds})`;

/** A receiver that is new is told of what happens from now on. */
export async function addReceiver(queries: Queries, id: string): Promise<void> {
  const { position } = await eventHead(queries);
  await queries
    .insertInto('event_receivers')
    .values({ id, position })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Takes or keeps the turn; undefined: another process has it. */
export async function claimReceiver(
  queries: Queries,
  id: string,
  teller: string,
): Promise<{ readonly position: number } | undefined> {
  return await queries
    .updateTable('event_receivers')
    .set({ teller, told_until: untilThen })
    .where('id', '=', id)
    .where((where) =>
      where.or([
        where('teller', 'is', null),
        where('teller', '=', teller),
        where('told_until', '<', sql<Date>`now()`),
      ]),
    )
    .returning('position')
    .executeTakeFirst();
}

export async function leaveReceiver(queries: Queries, id: string, teller: string): Promise<void> {
  await queries
    .updateTable('event_receivers')
    .set({ teller: null, told_until: null })
    .where('id', '=', id)
    .where('teller', '=', teller)
    .execute();
}

/** Holds the receiver's row. Fails with interrupted when the turn has gone to another. */
async function requireTurn(queries: Queries, id: string, teller: string): Promise<void> {
  const mine = await queries
    .selectFrom('event_receivers')
    .select('id')
    .where('id', '=', id)
    .where('teller', '=', teller)
    .forUpdate()
    .executeTakeFirst();
  if (mine === undefined) throw new Failure('interrupted', `Another process tells ${id} of events now.`);
}

/** All up to `position` has been told, or stands among the troubles. */
export async function advanceReceiver(
  queries: Queries,
  id: string,
  teller: string,
  position: number,
): Promise<void> {
  await requireTurn(queries, id, teller);
  await queries.updateTable('event_receivers').set({ position }).where('id', '=', id).execute();
}

export interface Trouble {
  readonly position: number;
  /** How often it was tried; 0: it waits behind another of its image. */
  readonly attempts: number;
  readonly imageId: string | null;
}

/** Tried again in `delayMs` at the earliest. */
export async function recordTrouble(
  queries: Queries,
  id: string,
  teller: string,
  { position, attempts, imageId }: Trouble,
  delayMs: number,
): Promise<void> {
  await requireTurn(queries, id, teller);
  const not_before = sql<Date>`now() + make_interval(secs => ${delayMs / 1000})`;
  await queries
    .insertInto('event_troubles')
    .values({ receiver: id, position, image_id: imageId, attempts, not_before })
    .onConflict((conflict) =>
      conflict.columns(['receiver', 'position']).doUpdateSet({ attempts, not_before }),
    )
    .execute();
}

export async function forgetTrouble(
  queries: Queries,
  id: string,
  teller: string,
  position: number,
): Promise<void> {
  await requireTurn(queries, id, teller);
  await queries
    .deleteFrom('event_troubles')
    .where('receiver', '=', id)
    .where('position', '=', position)
    .execute();
}

/** Of each image the first, when it is due, with the event; an event that is no longer kept is null. */
export async function dueTroubles(
  queries: Queries,
  id: string,
  most: number,
): Promise<(Trouble & { readonly event: Event | null })[]> {
  const { rows } = await sql<Trouble & { event: Event | null }>`
    SELECT first.position, first.attempts, first.image_id AS "imageId",
      CASE WHEN events.id IS NULL THEN NULL ELSE json_build_object('id', events.id, 'position', events.position,
        'type', events.type, 'priority', events.priority, 'project', events.project, 'imageId', events.image_id,
        'payload', events.payload, 'time', events.created_at) END AS event
    FROM (
      SELECT DISTINCT ON (coalesce(image_id::text, position::text)) position, attempts, image_id, not_before
      FROM event_troubles WHERE receiver = ${id}
      ORDER BY coalesce(image_id::text, position::text), position
    ) AS first
    LEFT JOIN events ON events.position = first.position
    WHERE first.not_before <= now() ORDER BY first.position LIMIT ${most}`.execute(queries);
  return rows.map((row) => ({
    ...row,
    event: row.event === null ? null : { ...row.event, time: new Date(row.event.time) },
  }));
}

export interface TroubleCount {
  readonly count: number;
  /** Images whose later events have to wait. */
  readonly images: readonly string[];
}

export async function countTroubles(queries: Queries, id: string): Promise<TroubleCount> {
  const { rows } = await sql<{ count: number; images: string[] }>`
    SELECT count(*)::int AS count,
      coalesce(array_agg(DISTINCT image_id::text) FILTER (WHERE image_id IS NOT NULL), '{}') AS images
    FROM event_troubles WHERE receiver = ${id}`.execute(queries);
  return rows[0]!;
}

export interface ReceiverState {
  readonly id: string;
  readonly position: number;
  readonly troubles: number;
}

/** How far they are. */
export async function receiverStates(queries: Queries): Promise<ReceiverState[]> {
  const { rows } = await sql<ReceiverState>`
    SELECT id, position, (SELECT count(*)::int FROM event_troubles WHERE receiver = event_receivers.id) AS troubles
    FROM event_receivers ORDER BY id`.execute(queries);
  return rows;
}
