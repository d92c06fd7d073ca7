/** GET /v2/image-imports/{id}, /v2/image-actions/{id}: how far it is, or how it ended. */
import type { Caller } from '../identity/caller.ts';
import type { ActionView } from './action-view.ts';
import { type ActionInput, actionTarget, findOwnAction } from './find-action.ts';
import type { ActionParts } from './parts.ts';

export async function showAction(
  parts: Pick<ActionParts, 'database' | 'policy' | 'keepActionsMs'>,
  caller: Caller,
  input: ActionInput,
): Promise<ActionView> {
  const view = await findOwnAction(parts, parts.database.db, caller, input);
  parts.policy.require('get_image_action', caller, actionTarget(view.action));
  return view;
}
