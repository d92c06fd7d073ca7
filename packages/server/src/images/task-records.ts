/** What was done to an image and how it ended (API section 4, tasks). */
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';

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

/** Milliseconds a finished task stays readable. */
const keptMs = 48 * 3600 * 1000;

export type NewTask = Omit<Task, 'status' | 'result' | 'expires_at' | 'created_at' | 'updated_at'>;

export async function insertTask(queries: Queries, task: NewTask): Promise<void> {
  const now = new Date();
  await queries
    .insertInto('tasks')
    .values({
      ...task,
      input: JSON.stringify(task.input),
      status: 'processing',
      created_at: now,
      updated_at: now,
    })
    .execute();
}

export async function finishTask(
  queries: Queries,
  id: string,
  status: 'success' | 'failure',
  message: string,
  result: Record<string, unknown> | null = null,
): Promise<void> {
  const now = new Date();
  await queries
    .updateTable('tasks')
    .set({
      status,
      message,
      result: result === null ? null : JSON.stringify(result),
      updated_at: now,
      expires_at: new Date(now.getTime() + keptMs),
    })
    .where('id', '=', id)
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

/** Resolves with how many were removed. */
export async function removeExpiredTasks(database: Database, now: Date): Promise<number> {
  const done = await database.db.deleteFrom('tasks').where('expires_at', '<', now).executeTakeFirst();
  return Number(done.numDeletedRows);
}
