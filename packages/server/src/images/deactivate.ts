/** POST /v2/images/{id}/actions/deactivate and /reactivate: out of service and back; both may be repeated. */
import { Failure } from '../base/failure.ts';
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { imageEvent } from './image-event.ts';
import { lockVisible, moveStatus } from './image-records.ts';
import type { ImageParts } from './parts.ts';

type Parts = Pick<ImageParts, 'database' | 'policy'>;

export async function deactivateImage(parts: Parts, caller: Caller, id: string): Promise<void> {
  await change(parts, caller, id, 'deactivate', 'active', 'deactivated');
}

export async function reactivateImage(parts: Parts, caller: Caller, id: string): Promise<void> {
  await change(parts, caller, id, 'reactivate', 'deactivated', 'active');
}

async function change(
  parts: Parts,
  caller: Caller,
  id: string,
  rule: 'deactivate' | 'reactivate',
  from: 'active' | 'deactivated',
  to: 'active' | 'deactivated',
): Promise<void> {
  await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, parts.policy, caller, id);
    parts.policy.require(rule, caller, target);
    if (image.status === to) return;
    // Glance: any other status is 403 here, not 409.
    if (image.status !== from)
      throw new Failure(
        'status_forbidden',
        `Image ${image.id} is ${image.status}; to ${rule} it, it must be ${from}.`,
      );
    const after = await moveStatus(queries, image.id, from, to);
    await recordEvent(queries, imageEvent('image.update', after!));
  });
}
