/** What was done to an image and how it ended (API section 4, tasks). */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { currentTime } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import type { NewEvent } from '../events/event.ts';
import { recordEvents } from '../events/event-records.ts';
import { taskEvents } from './task-event.ts';

export interface Task {
  readonly id: string;
  readonly type: string;
  readonly status: 'pending' | 'processing' | 'success' | 'failure';
  readonly owner: string | null;
  readonly image_id: string;
  readonly user_id: string | null;
  readonly request_id: string | null;
  readonly input: Record<string, unknown>;
  readonly result: Record<string, unknown> | null;
  readonly message: string;
  readonly expires_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const columns = [
  'id',
  'type',
  'status',
  'owner',
  'image_id',
  'user_id',
  'request_id',
  'input',
  'result',
  'message',
  'expires_at',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof Task)[];

/** When a task that is finished now is forgotten: no process knows the time as well as the database. */
const expiry = sql<Date>`now() + interval '48 hours'`;

/** Glance: the beginning of the work is told twice. */
const begun = ['task.run', 'task.processing'] as const;

export type NewTask = Omit<Task, 'status' | 'result' | 'expires_at' | 'created_at' | 'updated_at'>;

export async function insertTask(
  queries: Queries,
  task: NewTask,
  status: 'pending' | 'processing' = 'processing',
): Promise<void> {
  const now = currentTime();
  const times = { created_at: now, updated_at: now };
  const insert = queries
    .insertInto('tasks')
    .values({ ...task, ...times, input: JSON.stringify(task.input), status });
  await executePrepared(queries, insert);
  const written: Task = { ...task, ...times, status, result: null, expires_at: null };
  const isBegun = status === 'processing';
  await recordEvents(queries, taskEvents(['task.create', ...(isBegun ? begun : [])], [written]));
}

/** It is under way now. Events of the same transaction are `told` after its own, in the same statement. */
export async function processTask(
  queries: Queries,
  id: string,
  told: readonly NewEvent[] = [],
): Promise<void> {
  const begin = queries
    .updateTable('tasks')
    .set({ status: 'processing', updated_at: currentTime() })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .returning(columns)
    .$castTo<Task>();
  const tasks = await executePrepared(queries, begin);
  await recordEvents(queries, [...taskEvents(begun, tasks), ...told]);
}

export async function taskStatus(queries: Queries, id: string): Promise<Task['status'] | undefined> {
  const query = queries.selectFrom('tasks').select('status').where('id', '=', id);
  const [row] = await executePrepared(queries, query);
  return row?.status;
}

/** Events of the same transaction are `told` before its own, in the same statement. */
export async function finishTask(
  queries: Queries,
  id: string,
  status: 'success' | 'failure',
  message: string,
  result: Record<string, unknown> | null = null,
  told: readonly NewEvent[] = [],
): Promise<void> {
  const now = currentTime();
  const finish = queries
    .updateTable('tasks')
    .set({
      status,
      message,
      result: result === null ? null : JSON.stringify(result),
      updated_at: now,
      expires_at: expiry,
    })
    .where('id', '=', id)
    .returning(columns)
    .$castTo<Task>();
  const tasks = await executePrepared(queries, finish);
  await recordEvents(queries, [...told, ...taskEvents([`task.${status}`], tasks)]);
}

/** What ended before it began; it stays as long as its image does. */
export async function insertFailure(
  queries: Queries,
  task: NewTask,
  result: Record<string, unknown>,
): Promise<void> {
  await insertTask(queries, task);
  await queries
    .updateTable('tasks')
    .set({ status: 'failure', result: JSON.stringify(result) })
    .where('id', '=', task.id)
    .execute();
}

/** The image is gone: its tasks go as others do. */
export async function expireFailures(queries: Queries, imageId: string): Promise<void> {
  await queries
    .updateTable('tasks')
    .set({ expires_at: expiry })
    .where('image_id', '=', imageId)
    .where('status', '=', 'failure')
    .where('expires_at', 'is', null)
    .execute();
}

/** Newest first; only those of `owner` unless it is undefined. */
export async function tasksOfImage(
  database: Database,
  imageId: string,
  owner: string | null | undefined,
): Promise<Task[]> {
  let query = database.db.selectFrom('tasks').selectAll().where('image_id', '=', imageId);
  if (owner !== undefined) query = query.where('owner', '=', owner);
  return await query.orderBy('created_at', 'desc').orderBy('id').$castTo<Task>().execute();
}

export async function deleteTask(queries: Queries, id: string): Promise<void> {
  await queries.deleteFrom('tasks').where('id', '=', id).execute();
}

export async function findTask(database: Database, id: string): Promise<Task | undefined> {
  const query = database.db.selectFrom('tasks').selectAll().where('id', '=', id);
  return await query.$castTo<Task>().executeTakeFirst();
}

export const taskSortKeys = ['created_at', 'updated_at', 'expires_at', 'id', 'type', 'status'] as const;

export interface TaskFilter {
  readonly limit: number;
  /** The last one of the page before. */
  readonly after: Task | null;
  readonly sortKey: (typeof taskSortKeys)[number];
  readonly sortDirection: 'asc' | 'desc';
  readonly status: Task['status'] | null;
  readonly type: string | null;
}

/** Ties go by id; what has no value comes last, whatever the direction. */
export async function selectTasks(database: Database, filter: TaskFilter): Promise<Task[]> {
  const { limit, after, sortKey, sortDirection, status, type } = filter;
  let query = database.db.selectFrom('tasks').selectAll();
  if (status !== null) query = query.where('status', '=', status);
  if (type !== null) query = query.where('type', '=', type);
  if (after !== null) query = query.where(beyond(after, sortKey, sortDirection));
  return await query
    .orderBy(sql.ref(sortKey), (order) => (sortDirection === 'asc' ? order.asc() : order.desc()).nullsLast())
    .orderBy('id', sortDirection)
    .limit(limit)
    .$castTo<Task>()
    .execute();
}

function beyond(
  after: Task,
  key: TaskFilter['sortKey'],
  direction: TaskFilter['sortDirection'],
): RawBuilder<SqlBool> {
  const column = sql.ref(key);
  const than = sql.raw(direction === 'asc' ? '>' : '<');
  const value = after[key];
  const tie = sql`${column} IS NOT DISTINCT FROM ${value} AND id ${than} ${after.id}`;
  if (value === null) return sql<SqlBool>`(${tie})`;
  return sql<SqlBool>`(${column} ${than} ${value} OR ${column} IS NULL OR (${tie}))`;
}

const isExpired = sql<boolean>`expires_at < now()`;

export async function expiredTasks(database: Database): Promise<string[]> {
  const rows = await database.db.selectFrom('tasks').select('id').where(isExpired).execute();
  return rows.map(({ id }) => id);
}

export async function removeExpiredTasks(database: Database): Promise<void> {
  await database.transaction(async (queries) => {
    const tasks = await queries.deleteFrom('tasks').where(isExpired).returningAll().$castTo<Task>().execute();
    await recordEvents(queries, taskEvents(['task.delete'], tasks));
  });
}
