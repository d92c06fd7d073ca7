/** GET /v2/image-imports, /v2/image-actions: what the caller's project has under way or can still look at. */
import { type ActionStatus, type ActionType, actionStatuses, actionTypes } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import type { Action } from '../images/action.ts';
import { type ActionFilter, selectActions } from '../images/action-records.ts';
import { oneOf, parameter, readPage } from '../metadefs/page-query.ts';
import { type ActionView, viewActions } from './action-view.ts';
import { actionTarget, findOwnAction } from './find-action.ts';
import type { ActionParts } from './parts.ts';

type Parts = Pick<ActionParts, 'database' | 'policy' | 'settings' | 'keepActionsMs'>;

export interface ActionPage {
  readonly actions: readonly ActionView[];
  /** Marker of the next page, or null. */
  readonly next: string | null;
}

/** Actions read in one go. */
const batch = 200;

/** `type` null: of every kind, or of the one that the query names. */
export async function listActions(
  parts: Parts,
  caller: Caller,
  query: URLSearchParams,
  type: ActionType | null,
): Promise<ActionPage> {
  parts.policy.require('get_image_actions', caller, actionTarget({ owner: caller.projectId }));
  const { limitDefault: standard, limitMax: most } = parts.settings;
  const { limit, marker } = readPage(query, ['created_at'], { standard, most });
  const given = type === null ? parameter(query, 'action_type') : null;
  const status = parameter(query, 'status');
  const filter: Omit<ActionFilter, 'after' | 'most'> = {
    owner: parts.policy.isAdmin(caller) ? undefined : (caller.projectId ?? ''),
    type: given === null ? type : oneOf('action_type', given, actionTypes),
    outcome: status === null ? null : outcomeOf(oneOf('status', status, actionStatuses)),
  };
  const after = marker === null ? null : await findMarker(parts, caller, marker, filter.type);
  const found = await collect(parts, filter, after, status, limit);
  const next = found.length > limit && limit > 0 ? found[limit - 1]!.action.id : null;
  return { actions: found.slice(0, limit), next };
}

function outcomeOf(status: ActionStatus): ActionFilter['outcome'] {
  return status === 'success' || status === 'failure' || status === 'cancelled' ? status : 'open';
}

async function findMarker(
  parts: Parts,
  caller: Caller,
  id: string,
  type: ActionType | null,
): Promise<Action> {
  try {
    return (await findOwnAction(parts, parts.database.db, caller, { id, type })).action;
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'action_not_found')) throw error;
    throw new Failure('invalid_marker', `There is no action ${id.slice(0, 255)} to start after.`);
  }
}

/** One more than `limit` when there is one. What status an action has is known once it has been read. */
async function collect(
  { database, keepActionsMs }: Parts,
  filter: Omit<ActionFilter, 'after' | 'most'>,
  start: Action | null,
  status: string | null,
  limit: number,
): Promise<ActionView[]> {
  const found: ActionView[] = [];
  for (let after = start; ; ) {
    const most = Math.min(limit + 1, batch);
    const actions = await selectActions(database.db, { ...filter, after, most });
    for (const view of await viewActions(database.db, actions, keepActionsMs))
      if ((status === null || view.status === status) && !view.isExpired) found.push(view);
    if (actions.length < most || found.length > limit) return found;
    after = actions.at(-1)!;
  }
}
