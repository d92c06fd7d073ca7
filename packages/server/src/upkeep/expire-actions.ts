/** Forgets actions that ended long enough ago; what one that failed had kept for a retry goes with it. */

import { factsOfFlows } from '../flows/flow-records.ts';
import { viewFlow } from '../flows/flow-state.ts';
import { endFlow } from '../flows/operate.ts';
import type { Action } from '../images/action.ts';
import { deleteAction, hoursAgo, oldActions } from '../images/action-records.ts';
import { discardDraft } from '../images/discard-draft.ts';
import { discardExport } from '../images/export-records.ts';
import type { UpkeepJob, UpkeepParts } from './job.ts';

/** Actions looked at in one go. */
const batch = 100;

export const expireActions: UpkeepJob = {
  name: 'expired-actions',
  does: 'forgets imports, exports and clones that ended longer than upkeep.actionHours ago, with what they kept for a retry',
  async run(parts, { dryRun, signal, tell }) {
    const { actionHours } = parts.limits;
    if (actionHours === 0) return;
    const time = await hoursAgo(parts.database.db, actionHours);
    for (let after: string | null = null; ; ) {
      const old: Action[] = await oldActions(parts.database.db, time, after, batch);
      for (const action of await endedAmong(parts, old, time)) {
        signal.throwIfAborted();
        if (!dryRun) await forget(parts, action);
        tell(action.id);
      }
      if (old.length < batch) return;
      after = old.at(-1)!.id;
    }
  },
};

/** Those whose flow is over, too: a retry may be under way, and of what the engine gave up only the flow knows the end. */
async function endedAmong({ database }: UpkeepParts, actions: Action[], time: Date): Promise<Action[]> {
  const ids = actions.map(({ id }) => id);
  const flows = (await factsOfFlows(database.db, ids)).map(viewFlow);
  const fresh = flows.filter(
    ({ state, endedAt }) =>
      ['waiting', 'running', 'stalled'].includes(state) || (endedAt !== null && endedAt > time),
  );
  const kept = new Set(fresh.map(({ id }) => id));
  return actions.filter(({ id }) => !kept.has(id));
}

async function forget({ database, engine }: UpkeepParts, action: Action): Promise<void> {
  await endFlow(engine, database, action.id);
  await database.transaction(async (queries) => {
    await deleteAction(queries, action.id);
    // When its flow has been forgotten, or never was one, nobody else takes it away.
    await discardDraft(queries, action);
    await discardExport(queries, action.id);
  });
}
