/** POST /v2/images/{id}/actions/restore: brings back an image whose deletion was delayed. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { imageEvent } from './image-event.ts';
import { lockVisible, moveStatus } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { statusConflict } from './status.ts';

export async function restoreImage(
  { database, policy }: Pick<ImageParts, 'database' | 'policy'>,
  caller: Caller,
  id: string,
): Promise<void> {
  await database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, policy, caller, id);
    // What only administrators see, only they bring back.
    policy.require('context_is_admin', caller, target);
    const after = await moveStatus(queries, image.id, 'pending_delete', 'active');
    if (after === undefined) throw statusConflict(image.id, image.status, 'pending_delete', 'restoring');
    await recordEvent(queries, imageEvent('image.update', after));
  });
}
