/** What is recorded of the pieces of a flow in the tables of the engine, as the engine does it itself. */
import { sql } from 'kysely';
import { currentTime } from '../database/clock.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import type { Run } from './attempt-records.ts';
import { applicationName, engineSchema } from './dbos.ts';

const statuses = sql.table(`${engineSchema}.workflow_status`);
const recorded = sql.table(`${engineSchema}.operation_outputs`);

/** A record that there is. */
export interface StoredPiece {
  readonly place: number;
  readonly name: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly serialization: string | null;
}

export async function piecesOf(queries: Queries, flow: string): Promise<StoredPiece[]> {
  const query = sql<StoredPiece>`
    SELECT function_id AS place, function_name AS name, output, error, serialization
    FROM ${recorded} WHERE workflow_uuid = ${flow}`;
  return await executePrepared(queries, query);
}

/** A record as it shall be. */
export interface NewPiece {
  /** Among the records of its flow, from 0. */
  readonly place: number;
  readonly name: string;
  readonly output: string;
  readonly serialization: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * Writes the record, and with it the end of the attempt that did the work, if there is one: in one statement, so that what is done
 * is recorded, whoever dies. False, with nothing written, when the run has lost its flow or somebody else has ended the attempt.
 */
export async function recordPiece(
  queries: Queries,
  { flow, owner }: Run,
  { place, name, output, serialization, startedAt, endedAt }: NewPiece,
  attempt: string | null,
): Promise<boolean> {
  const ended = sql`, ended AS (
      UPDATE flow_attempts SET state = 'done', code = NULL, message = NULL, ended_at = ${currentTime()} FROM held
      WHERE id = ${attempt}::uuid AND flow_attempts.flow = held.workflow_uuid AND state = 'running'
      RETURNING held.workflow_uuid
    )`;
  const record = sql`
    WITH held AS (
      SELECT workflow_uuid FROM ${statuses}
      WHERE workflow_uuid = ${flow} AND owner_xid = ${owner} AND status = 'PENDING' FOR SHARE
    )${attempt === null ? sql`` : ended}
    INSERT INTO ${recorded} (workflow_uuid, function_id, function_name, output, serialization, started_at_epoch_ms,
      completed_at_epoch_ms, application_name, retention_timestamp)
    SELECT workflow_uuid, ${place}::int, ${name}, ${output}, ${serialization}, ${startedAt}::bigint,
      ${endedAt}::bigint, ${applicationName}, (extract(epoch FROM now()) * 1000)::bigint
    FROM ${attempt === null ? sql`held` : sql`ended`}
    RETURNING function_id`;
  return (await executePrepared(queries, record)).length === 1;
}

/** Whether `recordPiece` has written this very record, and the run still has its flow: when its answer was lost. */
export async function isRecorded(
  queries: Queries,
  { flow, owner }: Run,
  { place, name, endedAt }: NewPiece,
): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM ${statuses} status JOIN ${recorded} piece ON piece.workflow_uuid = status.workflow_uuid
    WHERE status.workflow_uuid = ${flow} AND owner_xid = ${owner} AND status = 'PENDING'
      AND function_id = ${place}::int AND function_name = ${name}
      AND completed_at_epoch_ms = ${endedAt}::bigint`.execute(queries);
  return rows.length === 1;
}
