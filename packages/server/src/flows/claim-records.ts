/** Flows that wait, and who takes them, in the tables of the engine. */
import { sql } from 'kysely';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import { engineSchema, flowVersion, queueName } from './dbos.ts';

const statuses = sql.table(`${engineSchema}.workflow_status`);

export interface Claim {
  readonly worker: string;
  /** Of this claim alone: the runs that it begins are known by it. */
  readonly owner: string;
  /** Flows at most, of one project on all workers, and of all. */
  readonly room: number;
  readonly perProject: number;
  readonly total: number | null;
  /** Projects after this one are looked at; empty: from the first. */
  readonly beyond: string;
  /** Flows that the worker cannot run. */
  readonly unfit: readonly string[];
}

export interface Claimed {
  readonly flows: readonly string[];
  /** Where to look on; empty when there was nothing further. */
  readonly next: string;
}

/** Workers that ask at the same moment wait for each other. */
export async function claimFlows(queries: Queries, claim: Claim): Promise<Claimed> {
  const { worker, owner, room, perProject, total, beyond, unfit } = claim;
  const statement = sql<Claimed>`
    SELECT flows, next
    FROM claim_flows(${worker}, ${owner}, ${flowVersion}, ${room}::int, ${perProject}::int, ${total}::int, ${beyond},
      ${unfit}::text[])`;
  return (await executePrepared(queries, statement))[0]!;
}

/** What a flow that is given back becomes: having been under way counts as no failure. */
export const waitingAgain = sql`status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
  recovery_attempts = greatest(recovery_attempts - 1, 0), updated_at = (extract(epoch FROM now()) * 1000)::bigint`;

/** Gives back what was taken by claims of these owners, of which nobody has begun a run. */
export async function unclaimFlows(queries: Queries, owners: readonly string[]): Promise<void> {
  await sql`
    UPDATE ${statuses} SET ${waitingAgain}
    WHERE status = 'PENDING' AND queue_name = ${queueName} AND owner_xid = ANY (${owners}::text[])`.execute(
    queries,
  );
}
