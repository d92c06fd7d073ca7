/** Workers in the database: who there is, whose heart beats, and what the dead have left. */
import { sql } from 'kysely';
import { currentTime } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import { lockClass } from '../database/session.ts';
import { waitingAgain } from './claim-records.ts';
import { engineSchema } from './dbos.ts';

const statuses = sql.table(`${engineSchema}.workflow_status`);
/** Any number, the same in every Tintype. */
const reaperLock = 7_461_736_502;

export async function insertWorker(
  database: Database,
  worker: { readonly id: string; readonly process: number; readonly host: string; readonly pid: number },
): Promise<void> {
  await database.db.insertInto('flow_workers').values(worker).execute();
}

/**
 * Milliseconds since 1970 by the database's clock, which is one for all workers; undefined when another worker has
 * judged this one dead. `process` may have changed.
 */
export async function beatWorker(
  database: Database,
  id: string,
  process: number,
): Promise<number | undefined> {
  const { rows } = await sql<{ now: number }>`
    UPDATE flow_workers SET beat = beat + 1, beat_at = now(), process = ${process} WHERE id = ${id}
    RETURNING (extract(epoch FROM now()) * 1000)::bigint AS now`.execute(database.db);
  return rows[0]?.now;
}

/** A worker as the others see it. */
export interface WorkerSight {
  readonly id: string;
  readonly beat: number;
  /** Whether its process still has its connection to the database. */
  readonly connected: boolean;
}

export async function workersSeen(database: Database): Promise<WorkerSight[]> {
  const { rows } = await sql<WorkerSight>`
    SELECT id, beat, EXISTS (
      SELECT 1 FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND classid = ${lockClass} AND objid = process AND objsubid = 2
        AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS connected FROM flow_workers`.execute(database.db);
  return rows;
}

/**
 * Forgets those of `workers` whose beat is still what was seen, and ends their attempts. Resolves with the ids
 * forgotten; none while another worker does the same.
 */
export async function forgetWorkers(database: Database, workers: readonly WorkerSight[]): Promise<string[]> {
  return await database.transaction(async (queries) => {
    const { rows: locks } = await sql<{ locked: boolean }>`
      SELECT pg_try_advisory_xact_lock(${reaperLock}::bigint) AS locked`.execute(queries);
    if (locks[0]?.locked !== true) return [];
    const { rows } = await sql<{ id: string }>`
      DELETE FROM flow_workers USING unnest(${workers.map(({ id }) => id)}::uuid[],
        ${workers.map(({ beat }) => beat)}::bigint[]) AS seen (id, beat)
      WHERE flow_workers.id = seen.id AND flow_workers.beat = seen.beat
      RETURNING flow_workers.id`.execute(queries);
    const dead = rows.map(({ id }) => id);
    if (dead.length > 0)
      await queries
        .updateTable('flow_attempts')
        .set({ state: 'lost', ended_at: currentTime() })
        .where('worker', 'in', dead)
        .where('state', '=', 'running')
        .execute();
    return dead;
  });
}

/** Workers that are no more and still have flows: for the engine to recover. */
export async function departedOwners(database: Database): Promise<string[]> {
  const { rows } = await sql<{ executor_id: string }>`
    SELECT DISTINCT executor_id FROM ${statuses}
    WHERE status = 'PENDING' AND NOT EXISTS (
      SELECT 1 FROM flow_workers WHERE flow_workers.id::text = executor_id)`.execute(database.db);
  return rows.map(({ executor_id }) => executor_id);
}

/** Gives flows back to the queue. All of the worker's when `flow` is null. */
export async function releaseFlows(database: Database, worker: string, flow: string | null): Promise<void> {
  await database.transaction(async (queries) => {
    const one = flow === null ? sql`` : sql`AND workflow_uuid = ${flow}`;
    await sql`
      UPDATE ${statuses} SET ${waitingAgain}
      WHERE executor_id = ${worker} AND status = 'PENDING' ${one}`.execute(queries);
    let attempts = queries
      .updateTable('flow_attempts')
      .set({ state: 'released', ended_at: currentTime() })
      .where('worker', '=', worker)
      .where('state', '=', 'running');
    if (flow !== null) attempts = attempts.where('flow', '=', flow);
    await attempts.execute();
  });
}

export async function deleteWorker(database: Database, id: string): Promise<void> {
  await database.db.deleteFrom('flow_workers').where('id', '=', id).execute();
}
