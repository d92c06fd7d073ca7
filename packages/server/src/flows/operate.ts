/** What can be asked about flows, and asked of them: list, show, retry, cancel. */
import { Failure } from '../base/failure.ts';
import type { Database } from '../database/connect.ts';
import { notifyIn } from '../database/topics.ts';
import { flowVersion, queueName } from './dbos.ts';
import { type Engine, flowsWaiting, partitionOf } from './engine.ts';
import { cancelFlows } from './flow-cancel.ts';
import {
  attemptsOfFlow,
  beginRound,
  factsOfFlows,
  latestFlows,
  openFlows,
  placeOf,
  type ShownAttempt,
} from './flow-records.ts';
import { type FlowView, viewFlow } from './flow-state.ts';

/** Newest first; `open`: only those that have not ended, oldest first. */
export async function listFlows(
  database: Database,
  { limit, open }: { readonly limit: number; readonly open: boolean },
): Promise<FlowView[]> {
  const facts = open ? await openFlows(database.db, limit) : await latestFlows(database.db, limit);
  return facts.map(viewFlow);
}

export type FlowDetail = FlowView & { readonly attempts: readonly ShownAttempt[] };

/** Fails with flow_not_found. */
export async function showFlow(database: Database, id: string): Promise<FlowDetail> {
  const [facts] = await factsOfFlows(database.db, [id]);
  if (facts === undefined) throw new Failure('flow_not_found', `There is no flow ${id}.`);
  return { ...viewFlow(facts), attempts: await attemptsOfFlow(database.db, id) };
}

/**
 * A failed flow goes on at the step that failed, and what came before is not done again. Fails with flow_not_found,
 * or flow_state when it has not failed or has nothing to go on from.
 */
export async function retryFlow(engine: Engine, database: Database, id: string): Promise<void> {
  const flow = await showFlow(database, id);
  if (flow.state !== 'failed') throw wrongState(flow, 'a retry needs it to have failed');
  if (!flow.resumable) throw wrongState(flow, 'it took back all it had done, so it has to be started anew');
  await takeUp(engine, database, flow, false);
}

/** Fails with flow_not_found, or flow_state when there is nothing to end or to take back. */
export async function cancelFlow(engine: Engine, database: Database, id: string): Promise<void> {
  const flow = await showFlow(database, id);
  if (flow.state === 'failed' && flow.resumable) return await takeUp(engine, database, flow, true);
  const asked = await database.transaction((queries) => cancelFlows(queries, { id }));
  if (asked === 0) throw wrongState(flow, 'only what has not ended can be cancelled');
}

/** As `cancelFlow`, and what has nothing to end or to take back is left as it is; a flow that nobody knows, too. */
export async function endFlow(engine: Engine, database: Database, id: string): Promise<void> {
  const [facts] = await factsOfFlows(database.db, [id]);
  if (facts === undefined) return;
  const flow = viewFlow(facts);
  if (flow.state === 'failed' && flow.resumable) await takeUp(engine, database, flow, true);
  else await database.transaction((queries) => cancelFlows(queries, { id }));
}

async function takeUp(engine: Engine, database: Database, flow: FlowView, cancel: boolean): Promise<void> {
  await beginRound(database.db, flow.id, cancel);
  const startStep = await placeOf(database.db, flow.id, flow.failure?.step ?? null);
  await engine.client.rewindWorkflow(flow.id, {
    startStep,
    queueName,
    queuePartitionKey: partitionOf(flow.project),
    applicationVersion: flowVersion,
  });
  await notifyIn(database.db, flowsWaiting);
}

function wrongState({ id, state }: FlowView, why: string): Failure {
  return new Failure('flow_state', `Flow ${id} is ${state}: ${why}.`);
}
