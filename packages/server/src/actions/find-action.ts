/** One action of the caller's project; another's is like one that is not there. */
import type { ActionType } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import type { Action } from '../images/action.ts';
import { findAction } from '../images/action-records.ts';
import { isImageId } from '../images/image.ts';
import type { Policy } from '../policy/policy.ts';
import { type ActionView, viewActions } from './action-view.ts';
import type { ActionParts } from './parts.ts';

export interface ActionInput {
  readonly id: string;
  /** Null: any. */
  readonly type: ActionType | null;
}

/** What is to be done with an action. */
export interface ActionCommand extends ActionInput {
  /** Of the caller, as it came: other services are asked with it. */
  readonly token: string | null;
}

/** Fails with action_not_found, also after it has expired. */
export async function findOwnAction(
  { policy, keepActionsMs }: Pick<ActionParts, 'policy' | 'keepActionsMs'>,
  queries: Queries,
  caller: Caller,
  { id, type }: ActionInput,
): Promise<ActionView> {
  const action = isImageId(id) ? await findAction(queries, id) : undefined;
  if (action !== undefined && isOwn(policy, caller, action) && (type === null || action.type === type)) {
    const [view] = await viewActions(queries, [action], keepActionsMs);
    if (!view!.isExpired) return view!;
  }
  throw new Failure('action_not_found', `There is no ${type ?? 'action'} ${id.slice(0, 255)}.`);
}

function isOwn(policy: Policy, caller: Caller, { owner }: Action): boolean {
  return (caller.projectId !== null && owner === caller.projectId) || policy.isAdmin(caller);
}

/** What policy rules can ask about an action. */
export function actionTarget({ owner }: Pick<Action, 'owner'>) {
  return { owner, project_id: owner };
}
