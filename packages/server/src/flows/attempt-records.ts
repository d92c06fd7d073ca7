/** Attempts at steps in the database: written down before they begin, fenced while they run. */
import { sql } from 'kysely';
import type { FailureCode } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import { engineSchema } from './dbos.ts';

const statuses = sql.table(`${engineSchema}.workflow_status`);

/** A run of a flow: the engine gives every dispatch a token, and only the holder of the latest one may go on. */
export interface Run {
  readonly flow: string;
  readonly owner: string;
  readonly worker: string;
}

export interface AttemptRecord {
  readonly id: string;
  readonly number: number;
  readonly state: 'running' | 'done' | 'failed' | 'lost' | 'released';
  readonly code: FailureCode | null;
  readonly message: string | null;
  /** Of this round. */
  readonly current: boolean;
}

export interface StepRecords {
  readonly round: number;
  readonly cancelRequested: boolean;
  /** Oldest first. */
  readonly attempts: readonly AttemptRecord[];
}

/** Whether `run` still has its flow; nobody else gets it until the transaction ends. */
async function owns(queries: Queries, { flow, owner }: Run): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM ${statuses}
    WHERE workflow_uuid = ${flow} AND owner_xid = ${owner} AND status = 'PENDING' FOR SHARE`.execute(queries);
  return rows.length === 1;
}

/** Locked until the transaction ends; undefined when the run has lost its flow. */
export async function lockStep(queries: Queries, run: Run, step: string): Promise<StepRecords | undefined> {
  if (!(await owns(queries, run))) return undefined;
  const flow = await queries
    .selectFrom('flows')
    .select(['round', 'cancel_requested_at'])
    .where('id', '=', run.flow)
    .executeTakeFirst();
  if (flow === undefined) return undefined;
  // What still runs under an earlier dispatch cannot end any more.
  await queries
    .updateTable('flow_attempts')
    .set({ state: 'lost', ended_at: currentTime() })
    .where('flow', '=', run.flow)
    .where('step', '=', step)
    .where('state', '=', 'running')
    .execute();
  const rows = await queries
    .selectFrom('flow_attempts')
    .select(['id', 'number', 'state', 'code', 'message', 'round'])
    .where('flow', '=', run.flow)
    .where('step', '=', step)
    .orderBy('number')
    .$castTo<Omit<AttemptRecord, 'current'> & { round: number }>()
    .execute();
  return {
    round: flow.round,
    cancelRequested: flow.cancel_requested_at !== null,
    attempts: rows.map(({ round, ...attempt }) => ({ ...attempt, current: round === flow.round })),
  };
}

/**
 * The first attempt at a step of which nothing is recorded, in one statement: most begin so. False when there is more to
 * it: attempts before this one, a cancellation, or a run that has lost its flow.
 */
export async function insertFirstAttempt(
  queries: Queries,
  run: Run,
  { id, step }: { readonly id: string; readonly step: string },
): Promise<boolean> {
  const insert = sql`
    WITH held AS (
      SELECT workflow_uuid FROM ${statuses}
      WHERE workflow_uuid = ${run.flow} AND owner_xid = ${run.owner} AND status = 'PENDING' FOR SHARE
    )
    INSERT INTO flow_attempts (id, flow, step, round, number, worker, state)
    SELECT ${id}::uuid, flows.id, ${step}, flows.round, 1, ${run.worker}::uuid, 'running'
    FROM held JOIN flows ON flows.id = held.workflow_uuid
    WHERE flows.cancel_requested_at IS NULL
      AND NOT EXISTS (SELECT FROM flow_attempts WHERE flow = ${run.flow} AND step = ${step})
    RETURNING id`;
  return (await executePrepared(queries, insert)).length === 1;
}

export async function insertAttempt(
  queries: Queries,
  run: Run,
  attempt: { readonly id: string; readonly step: string; readonly round: number; readonly number: number },
): Promise<void> {
  await queries
    .insertInto('flow_attempts')
    .values({ ...attempt, flow: run.flow, worker: run.worker, state: 'running' })
    .execute();
}

/** Ids of all attempts at a step. */
export async function attemptsAt(queries: Queries, flow: string, step: string): Promise<string[]> {
  const rows = await queries
    .selectFrom('flow_attempts')
    .select('id')
    .where('flow', '=', flow)
    .where('step', '=', step)
    .orderBy('number')
    .execute();
  return rows.map(({ id }) => id);
}

/** Whether the attempt may still write: until the transaction ends nobody else gets the flow, or ends the attempt. */
export async function fenceAttempt(queries: Queries, run: Run, id: string): Promise<boolean> {
  const fence = sql`
    SELECT 1 FROM ${statuses} JOIN flow_attempts ON flow_attempts.flow = workflow_uuid
    WHERE workflow_uuid = ${run.flow} AND owner_xid = ${run.owner} AND status = 'PENDING'
      AND flow_attempts.id = ${id} AND flow_attempts.state = 'running'
    FOR SHARE`;
  return (await executePrepared(queries, fence)).length === 1;
}

/** False when somebody else has ended it. One that has done its work ends with the record of that (`piece-records.ts`). */
export async function failAttempt(
  database: Database,
  id: string,
  { code, message }: { readonly code: string; readonly message: string },
): Promise<boolean> {
  const end = database.db
    .updateTable('flow_attempts')
    .set({ state: 'failed', code, message, ended_at: currentTime() })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .returning('id');
  return (await executePrepared(database.db, end)).length > 0;
}

export interface ProgressRecord {
  readonly id: string;
  readonly done: number;
  readonly total: number | null;
  /** Whether anything moved since it was last written. */
  readonly moved: boolean;
}

export async function saveProgress(database: Database, records: readonly ProgressRecord[]): Promise<void> {
  const column = <K extends keyof ProgressRecord>(name: K) => records.map((record) => record[name]);
  await sql`
    UPDATE flow_attempts SET done = new.done, total = new.total,
      moved_at = CASE WHEN new.moved THEN now() ELSE moved_at END
    FROM unnest(${column('id')}::uuid[], ${column('done')}::bigint[], ${column('total')}::bigint[],
      ${column('moved')}::boolean[]) AS new (id, done, total, moved)
    WHERE flow_attempts.id = new.id AND state = 'running'`.execute(database.db);
}
