/** POST …/{id}/retry: what failed goes on at the step that failed; what came before is not done again. */
import { Failure } from '../base/failure.ts';
import { retryFlow } from '../flows/operate.ts';
import type { Caller } from '../identity/caller.ts';
import { reopenAction } from '../images/action-records.ts';
import { findImage } from '../images/image-records.ts';
import { type ActionCommand, actionTarget, findOwnAction } from './find-action.ts';
import type { ActionParts } from './parts.ts';
import { renewToken } from './renew-token.ts';
import { findClonable } from './start-clone.ts';
import { findExportable } from './start-export.ts';

/** Fails with flow_state unless it failed and kept what it had done; as a download does when it takes what is not the caller's to read any more elsewhere. */
export async function retryAction(parts: ActionParts, caller: Caller, input: ActionCommand): Promise<void> {
  const { action, status, error } = await findOwnAction(parts, parts.database.db, caller, input);
  parts.policy.require('modify_image_action', caller, actionTarget(action));
  if (action.type === 'export') await findExportable(parts, caller, action.image_id);
  if (action.type === 'clone') await requireClonable(parts, caller, action.image_id);
  if (status !== 'failure')
    throw new Failure('flow_state', `It is in status ${status}: a retry needs it to have failed.`);
  if (error?.retryable !== true)
    throw new Failure(
      'flow_state',
      'It would fail in the same way again, so nothing of it was kept: start another.',
    );
  await renewToken(parts, caller, action, input.token);
  await retryFlow(parts.engine, parts.database, action.id);
  await reopenAction(parts.database.db, action.id);
}

/** Of an image that is gone all that is sent may be there already: the work itself tells. */
async function requireClonable(parts: ActionParts, caller: Caller, id: string): Promise<void> {
  const status = (await findImage(parts.database.db, id))?.status ?? 'deleted';
  if (status !== 'deleted' && status !== 'pending_delete') await findClonable(parts, caller, id);
}
