/** Imports, exports and other work on images as they go over the wire. */
import type { ActionRecord, ActionType } from '@tintype/contract';
import type { ActionView } from '../actions/action-view.ts';
import { seconds } from '../base/time.ts';

/** Where actions of a kind have their own resource. */
const collections: Readonly<Record<ActionType, string>> = {
  import: 'image-import',
  clone: 'image-clone',
  export: 'image-export',
};

export function renderAction(view: ActionView): ActionRecord {
  const { action, status, progress, attempt, stalled, message, error } = view;
  const { id, type, owner, request, result, created_at } = action;
  const { image_properties, upload: _upload, ...asked } = request;
  const self = `/v2/${collections[type]}s/${id}`;
  const image = status === 'success' ? result?.image_id : undefined;
  return {
    id,
    action_type: type,
    status,
    owner,
    ...(asked as Pick<ActionRecord, 'location' | 'expected' | 'size' | 'disk_format' | 'stores'>),
    ...(status === 'success' && result?.target !== undefined
      ? { target: result.target as ActionRecord['target'] }
      : {}),
    ...(type === 'export' && status === 'success' ? result : {}),
    ...(typeof image === 'string'
      ? { image_ref: `/v2/images/${image}` }
      : image_properties === undefined
        ? {}
        : { image_properties: image_properties as ActionRecord['image_properties'] }),
    progress,
    attempt,
    heartbeat_at: view.heartbeatAt === null ? null : seconds(view.heartbeatAt),
    stalled,
    message,
    ...(error === null ? {} : { error }),
    created_at: seconds(created_at),
    updated_at: seconds(view.updatedAt),
    ...(view.expiresAt === null ? {} : { 'expires-by': seconds(view.expiresAt) }),
    self,
    ...(view.awaitsData ? { file: `${self}/file` } : {}),
    schema: `/v2/schemas/${collections[type]}`,
  };
}
