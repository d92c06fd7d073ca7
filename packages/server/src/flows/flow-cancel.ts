/** Ends flows before their time: they undo what they did, whatever they are at. */
import type { Queries } from '../database/queries.ts';
import { notifyIn } from '../database/topics.ts';
import { requestCancel } from './flow-records.ts';

/** Announced to every worker: `{ flows }`, ids. */
export const flowsCancelled = 'flows-cancelled';

/**
 * Asks a flow to end, or all that work on a subject, once the caller's transaction commits; those that have ended are
 * none. Resolves with how many were asked.
 */
export async function cancelFlows(
  queries: Queries,
  which: { readonly id: string } | { readonly subject: string },
): Promise<number> {
  const flows = await requestCancel(queries, which);
  // A message has room for some hundred ids; the heart of each worker beats for the rest.
  if (flows.length > 0) await notifyIn(queries, flowsCancelled, { flows: flows.slice(0, 100) });
  return flows.length;
}
