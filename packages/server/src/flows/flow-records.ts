/** Flows in the database: whose they are, that they shall end, and what became of them. */
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/connect.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import { engineSchema } from './dbos.ts';
import type { FlowFacts } from './flow-state.ts';
import { lastWord } from './run-flow.ts';

const statuses = sql.table(`${engineSchema}.workflow_status`);
const inputs = sql.table(`${engineSchema}.workflow_input`);
const outputs = sql.table(`${engineSchema}.workflow_output`);
const recorded = sql.table(`${engineSchema}.operation_outputs`);

export interface NewFlow {
  readonly id: string;
  readonly name: string;
  readonly project: string | null;
  readonly subject: string | null;
}

/** False when there is one of this id already. */
export async function insertFlow(queries: Queries, flow: NewFlow): Promise<boolean> {
  const insert = queries
    .insertInto('flows')
    .values(flow)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id');
  return (await executePrepared(queries, insert)).length > 0;
}

const unfinished = sql`('ENQUEUED', 'DELAYED', 'PENDING')`;

/** Asks flows that have not ended to end: one by its id, or all that work on a subject. Resolves with their ids. */
export async function requestCancel(
  queries: Queries,
  which: { readonly id: string } | { readonly subject: string },
): Promise<string[]> {
  const these = 'id' in which ? sql`id = ${which.id}` : sql`subject = ${which.subject}`;
  const { rows } = await sql<{ id: string }>`
    UPDATE flows SET cancel_requested_at = coalesce(cancel_requested_at, now())
    WHERE ${these} AND EXISTS (
      SELECT 1 FROM ${statuses} WHERE workflow_uuid = flows.id AND status IN ${unfinished})
    RETURNING id`.execute(queries);
  return rows.map(({ id }) => id);
}

/** Which of these flows shall end. */
export async function cancelledAmong(database: Database, ids: readonly string[]): Promise<string[]> {
  const rows = await database.db
    .selectFrom('flows')
    .select('id')
    .where('id', 'in', ids)
    .where('cancel_requested_at', 'is not', null)
    .execute();
  return rows.map(({ id }) => id);
}

/** Everything that a flow's state follows from (see `flow-state.ts`). */
function facts(where: RawBuilder<unknown>, order: RawBuilder<unknown>): RawBuilder<FlowFacts> {
  return sql<FlowFacts>`
    SELECT flows.id, flows.name, flows.project, flows.subject, flows.created_at, flows.cancel_requested_at,
      status.status, output.output,
      to_timestamp(status.completed_at / 1000.0) AS ended_at,
      last.step, last.number AS attempt, last.state AS attempt_state, last.done, last.total,
      last.code AS attempt_code, last.message AS attempt_message, last.started_at, last.moved_at,
      worker.beat_at AS heartbeat_at,
      extract(epoch FROM now() - flows.created_at)::float8 AS age,
      extract(epoch FROM now() - worker.beat_at)::float8 AS heartbeat_age,
      extract(epoch FROM now() - last.moved_at)::float8 AS still_for
    FROM flows
    JOIN ${statuses} status ON status.workflow_uuid = flows.id
    LEFT JOIN ${outputs} output ON output.workflow_uuid = flows.id
    LEFT JOIN LATERAL (
      SELECT * FROM flow_attempts WHERE flow = flows.id ORDER BY started_at DESC, number DESC LIMIT 1
    ) last ON true
    LEFT JOIN flow_workers worker ON worker.id::text = status.executor_id
    WHERE ${where} ${order}`;
}

export async function factsOfFlows(queries: Queries, ids: readonly string[]): Promise<FlowFacts[]> {
  if (ids.length === 0) return [];
  return (await facts(sql`flows.id = ANY (${ids}::text[])`, sql``).execute(queries)).rows;
}

/** Newest first. */
export async function latestFlows(queries: Queries, limit: number): Promise<FlowFacts[]> {
  const order = sql`ORDER BY flows.created_at DESC, flows.id DESC LIMIT ${limit}`;
  return (await facts(sql`true`, order).execute(queries)).rows;
}

/** Those that have not ended, oldest first. */
export async function openFlows(queries: Queries, limit: number): Promise<FlowFacts[]> {
  const order = sql`ORDER BY flows.created_at, flows.id LIMIT ${limit}`;
  return (await facts(sql`status.status IN ${unfinished}`, order).execute(queries)).rows;
}

export interface ShownAttempt {
  readonly step: string;
  readonly number: number;
  readonly state: string;
  readonly worker: string;
  readonly done: number | null;
  readonly total: number | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly started_at: Date;
  readonly ended_at: Date | null;
}

/** Oldest first. */
export async function attemptsOfFlow(queries: Queries, flow: string): Promise<ShownAttempt[]> {
  const columns = ['step', 'number', 'state', 'worker', 'done', 'total', 'code', 'message'] as const;
  return await queries
    .selectFrom('flow_attempts')
    .select([...columns, 'started_at', 'ended_at'])
    .where('flow', '=', flow)
    .orderBy('started_at')
    .orderBy('number')
    .execute();
}

/** An attempt at one of the steps that a flow has gone through. */
export interface WorkAttempt {
  readonly flow: string;
  readonly step: string;
  readonly number: number;
  readonly done: number | null;
  readonly total: number | null;
}

/** The last attempt of each of these flows at its work itself: neither at taking it back, nor at the last word. */
export async function lastAtWork(queries: Queries, flows: readonly string[]): Promise<WorkAttempt[]> {
  if (flows.length === 0) return [];
  const query = sql<WorkAttempt>`
    SELECT DISTINCT ON (flow) flow, step, number, done, total FROM flow_attempts
    WHERE flow = ANY (${flows}::text[]) AND step <> ${lastWord} AND step NOT LIKE 'undo:%'
    ORDER BY flow, started_at DESC, number DESC`;
  return (await query.execute(queries)).rows;
}

/** Where a flow is taken up again: at the last record of this name, or after all of them. */
export async function placeOf(queries: Queries, flow: string, record: string | null): Promise<number> {
  const { rows } = await sql<{ named: number | null; after: number }>`
    SELECT max(function_id) FILTER (WHERE function_name = ${record}) AS named,
      coalesce(max(function_id) + 1, 0) AS after
    FROM ${recorded} WHERE workflow_uuid = ${flow}`.execute(queries);
  return rows[0]!.named ?? rows[0]!.after;
}

/** New attempts count from one; `cancel`: the flow is taken up again in order to end. */
export async function beginRound(queries: Queries, flow: string, cancel: boolean): Promise<void> {
  const cancelled = cancel ? sql`now()` : sql`NULL`;
  await sql`UPDATE flows SET round = round + 1, cancel_requested_at = ${cancelled} WHERE id = ${flow}`.execute(
    queries,
  );
}

/** Takes fields out of the input that the engine keeps of a flow. */
export async function forgetFields(queries: Queries, flow: string, fields: readonly string[]): Promise<void> {
  // The engine keeps the arguments of a flow, of which there is one, under `json`.
  const without = fields.reduce(
    (rest, field) => sql`${rest} #- ARRAY['json', '0', ${field}]`,
    sql`inputs::jsonb`,
  );
  await sql`UPDATE ${inputs} SET inputs = (${without})::text WHERE workflow_uuid = ${flow}`.execute(queries);
}

/** Puts another text in the place of one in the input that the engine keeps of a flow; none comes where there is none. */
export async function replaceField(
  queries: Queries,
  flow: string,
  field: string,
  text: string,
): Promise<void> {
  const place = sql`ARRAY['json', '0', ${field}]::text[]`;
  await sql`
    UPDATE ${inputs} SET inputs = jsonb_set(inputs::jsonb, ${place}, to_jsonb(${text}::text), false)::text
    WHERE workflow_uuid = ${flow}`.execute(queries);
}

/** Ids of some flows that ended more than `ms` ago, by the database's clock, oldest first. */
export async function endedLongAgo(queries: Queries, ms: number, most: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT flows.id FROM flows JOIN ${statuses} status ON status.workflow_uuid = flows.id
    WHERE status.status NOT IN ${unfinished}
      AND status.completed_at < extract(epoch FROM now()) * 1000 - ${ms}::bigint
    ORDER BY flows.created_at LIMIT ${most}`.execute(queries);
  return rows.map(({ id }) => id);
}

/** Flows that the engine has forgotten, with their attempts. */
export async function deleteForgotten(queries: Queries): Promise<void> {
  await sql`
    DELETE FROM flows WHERE NOT EXISTS (
      SELECT 1 FROM ${statuses} WHERE workflow_uuid = flows.id)`.execute(queries);
}
