/** DELETE …/{id}: what is under way ends, what it did is taken back, and nobody finds it any more; an image that is there stays. */
import { endFlow } from '../flows/operate.ts';
import type { Caller } from '../identity/caller.ts';
import { deleteAction } from '../images/action-records.ts';
import { discardDraft } from '../images/discard-draft.ts';
import { discardExport } from '../images/export-records.ts';
import { type ActionCommand, actionTarget, findOwnAction } from './find-action.ts';
import type { ActionParts } from './parts.ts';
import { renewToken } from './renew-token.ts';

export async function forgetAction(
  parts: Pick<ActionParts, 'database' | 'policy' | 'engine' | 'keepActionsMs'>,
  caller: Caller,
  input: ActionCommand,
): Promise<void> {
  const { action } = await findOwnAction(parts, parts.database.db, caller, input);
  parts.policy.require('delete_image_action', caller, actionTarget(action));
  await renewToken(parts, caller, action, input.token);
  await endFlow(parts.engine, parts.database, action.id);
  // The last step makes nothing true of what has been forgotten.
  await parts.database.transaction(async (queries) => {
    await deleteAction(queries, action.id);
    await discardDraft(queries, action);
    await discardExport(queries, action.id);
  });
}
