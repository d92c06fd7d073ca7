/** What others are told of exports and clones. An import that brings an image about is told of as its task. */
import { seconds } from '../base/time.ts';
import { currentTime } from '../database/clock.ts';
import type { NewEvent } from '../events/event.ts';
import type { Action } from './action.ts';

const groups = { export: 'image_export', clone: 'image_clone' } as const;

/** `success`, `failure` and `cancel`: how it ended, this time; `delete`: it is forgotten. */
export type ActionHappening = 'create' | 'success' | 'failure' | 'cancel' | 'delete';

/** Of its own project's business: whose image it is of may be another's, who is not told. */
export function actionEvents(happening: ActionHappening, actions: readonly Action[]): NewEvent[] {
  return actions.flatMap((action) => {
    if (action.type === 'import') return [];
    const type = `${groups[action.type]}.${happening}` as const;
    const payload = payloadOf(action, happening === 'delete');
    return [{ type, priority: 'info', project: action.owner, imageId: null, payload }];
  });
}

function payloadOf(action: Action, isDeleted: boolean): NewEvent['payload'] {
  const { id, outcome, owner, image_id, request, result, error, message, created_at, updated_at } = action;
  const { location = null, region = null } = request;
  return {
    id,
    status: outcome ?? 'waiting',
    owner,
    image_id,
    location,
    region,
    result,
    error,
    message,
    created_at: seconds(created_at),
    updated_at: seconds(updated_at),
    deleted: isDeleted,
    deleted_at: isDeleted ? seconds(currentTime()) : null,
  };
}
