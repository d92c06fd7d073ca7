/** POST …/{id}/cancel: what is under way ends, and what it did is taken back; the record stays for a while. */
import { Failure } from '../base/failure.ts';
import { endFlow } from '../flows/operate.ts';
import type { Caller } from '../identity/caller.ts';
import { finishAction } from '../images/action-records.ts';
import { discardDraft } from '../images/discard-draft.ts';
import { type ActionCommand, actionTarget, findOwnAction } from './find-action.ts';
import type { ActionParts } from './parts.ts';
import { renewToken } from './renew-token.ts';

/** Fails with flow_state when there is nothing to end or to take back. */
export async function cancelAction(
  parts: Pick<ActionParts, 'database' | 'policy' | 'engine' | 'keepActionsMs'>,
  caller: Caller,
  input: ActionCommand,
): Promise<void> {
  const { action, status, error } = await findOwnAction(parts, parts.database.db, caller, input);
  parts.policy.require('modify_image_action', caller, actionTarget(action));
  const isHeld = status === 'failure' && error?.retryable === true;
  if (['success', 'cancelled'].includes(status) || (status === 'failure' && !isHeld))
    throw new Failure('flow_state', `It is in status ${status}: there is nothing to cancel.`);
  await renewToken(parts, caller, action, input.token);
  // A last step that was begun before is repeated when the flow is taken up: it sees by this that it comes too late.
  if (isHeld)
    await parts.database.transaction((queries) =>
      finishAction(queries, action.id, 'cancelled', 'The work was cancelled.'),
    );
  await endFlow(parts.engine, parts.database, action.id);
  await parts.database.transaction(async (queries) => {
    if (await discardDraft(queries, action))
      await finishAction(queries, action.id, 'cancelled', 'The work was cancelled.');
  });
}
