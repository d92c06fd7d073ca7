/** Work on images that is asked about by itself: who asked for what, and how it ended the last time it did. */
import type { ActionType } from '@tintype/contract';
import { sql } from 'kysely';
import type { Queries } from '../database/queries.ts';
import { recordEvents } from '../events/event-records.ts';
import type { Action, ActionOutcome, ActionTrouble } from './action.ts';
import { actionEvents } from './action-event.ts';

/** As it stands in the database. */
export interface ReadAction extends Action {
  /** When it was read, by the database's clock. */
  readonly read_at: Date;
}

export type NewAction = Pick<
  Action,
  'id' | 'type' | 'owner' | 'user_id' | 'request_id' | 'image_id' | 'request'
>;

/** The database's: a process's own clock may be hours wrong. */
const now = sql<Date>`now()`;

export async function insertAction(queries: Queries, action: NewAction): Promise<void> {
  const begun = await queries
    .insertInto('actions')
    .values({ ...action, request: JSON.stringify(action.request), created_at: now, updated_at: now })
    .returningAll()
    .$castTo<Action>()
    .execute();
  await recordEvents(queries, actionEvents('create', begun));
}

export async function findAction(queries: Queries, id: string): Promise<ReadAction | undefined> {
  const query = queries.selectFrom('actions').selectAll().select(now.as('read_at')).where('id', '=', id);
  return await query.$castTo<ReadAction>().executeTakeFirst();
}

/** Nobody ends or forgets it until the transaction ends; undefined when it has been forgotten. */
export async function lockAction(queries: Queries, id: string): Promise<Action | undefined> {
  const query = queries.selectFrom('actions').selectAll().where('id', '=', id).forUpdate();
  return await query.$castTo<Action>().executeTakeFirst();
}

const happenings = { success: 'success', failure: 'failure', cancelled: 'cancel' } as const;

/** In a transaction. What was cancelled already is not told of again. */
export async function finishAction(
  queries: Queries,
  id: string,
  outcome: ActionOutcome,
  message: string,
  more: { readonly error?: ActionTrouble; readonly result?: Record<string, unknown> } = {},
): Promise<void> {
  const { error = null, result = null } = more;
  const ended = await queries
    .updateTable('actions')
    .from((from) =>
      from.selectFrom('actions').select('outcome as before').where('id', '=', id).forUpdate().as('old'),
    )
    .set({
      outcome,
      message,
      error: error === null ? null : JSON.stringify(error),
      result: result === null ? null : JSON.stringify(result),
      updated_at: now,
      ended_at: now,
    })
    .where('actions.id', '=', id)
    .returningAll('actions')
    .returning('old.before')
    .$castTo<Action & { readonly before: ActionOutcome | null }>()
    .execute();
  const news = ended.filter(({ before }) => outcome !== 'cancelled' || before !== 'cancelled');
  await recordEvents(queries, actionEvents(happenings[outcome], news));
}

/** It goes on: how it ended before does not count any more. */
export async function reopenAction(queries: Queries, id: string): Promise<void> {
  await queries
    .updateTable('actions')
    .set({ outcome: null, message: null, error: null, result: null, updated_at: now, ended_at: null })
    .where('id', '=', id)
    .where('outcome', '=', 'failure')
    .execute();
}

/** It is not given up yet: something is done for it. */
export async function touchAction(queries: Queries, id: string): Promise<void> {
  await queries.updateTable('actions').set({ updated_at: now }).where('id', '=', id).execute();
}

export async function deleteAction(queries: Queries, id: string): Promise<void> {
  const query = queries.deleteFrom('actions').where('id', '=', id).returningAll();
  await recordEvents(queries, actionEvents('delete', await query.$castTo<Action>().execute()));
}

export interface ActionFilter {
  /** Undefined: of all projects. */
  readonly owner: string | undefined;
  readonly type: ActionType | null;
  /**
   * Null: any; `open`: that has not ended. What has no outcome may have ended all the same, with its flow, and what was cancelled may
   * have failed to be taken back.
   */
  readonly outcome: ActionOutcome | 'open' | null;
  /** The last one before. */
  readonly after: Action | null;
  readonly most: number;
}

/** Newest first. */
export async function selectActions(queries: Queries, filter: ActionFilter): Promise<ReadAction[]> {
  const { owner, type, outcome, after, most } = filter;
  let query = queries.selectFrom('actions').selectAll().select(now.as('read_at'));
  if (owner !== undefined) query = query.where('owner', '=', owner);
  if (type !== null) query = query.where('type', '=', type);
  if (outcome === 'open') query = query.where('outcome', 'is', null);
  else if (outcome !== null) {
    const these = outcome === 'failure' ? ['failure' as const, 'cancelled' as const] : [outcome];
    query = query.where((where) => where.or([where('outcome', 'in', these), where('outcome', 'is', null)]));
  }
  if (after !== null)
    query = query.where(sql<boolean>`(created_at, id) < (${after.created_at}, ${after.id}::uuid)`);
  return await query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(most)
    .$castTo<ReadAction>()
    .execute();
}

/** By the database's clock. */
export async function hoursAgo(queries: Queries, hours: number): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`SELECT now() - make_interval(hours => ${hours}) AS time`.execute(
    queries,
  );
  return rows[0]!.time;
}

/** Some that may have ended before `time`, in the order of their ids, after `id`: those under way are among them. */
export async function oldActions(
  queries: Queries,
  time: Date,
  after: string | null,
  most: number,
): Promise<Action[]> {
  let query = queries
    .selectFrom('actions')
    .selectAll()
    .where(sql<boolean>`coalesce(ended_at, updated_at) < ${time}`);
  if (after !== null) query = query.where('id', '>', after);
  return await query.orderBy('id').limit(most).$castTo<Action>().execute();
}
