/** DELETE /v2/images/{id}/replicas/{replica}: one of several copies of an image goes (seed S1). */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { doomDerived } from '../locations/derived-records.ts';
import type { Location } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { imageEvent } from './image-event.ts';
import { findVisible, lockVisible, touchImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { removeCopy } from './remove-copy.ts';
import { requireUnused } from './require-unused.ts';

export interface DeleteReplicaInput {
  readonly id: string;
  readonly replicaId: string;
}

export async function deleteReplica(
  parts: Pick<ImageParts, 'database' | 'policy' | 'stores' | 'log'>,
  caller: Caller,
  { id, replicaId }: DeleteReplicaInput,
): Promise<void> {
  const { policy } = parts;
  const isConcerned = (copy: Location) => copy.id === replicaId;
  const before = await findVisible(parts.database.db, policy, caller, id);
  policy.require('delete_image_location', caller, before.target);
  await requireUnused(parts, before.image.id, isConcerned);
  const doomed = await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, policy, caller, id);
    policy.require('get_image_location', caller, target);
    policy.require('delete_image_location', caller, target);
    const derived = await doomDerived(queries, image.id, replicaId);
    if (derived.length > 0) {
      const after = await touchImage(queries, image.id);
      await recordEvent(queries, imageEvent('image.update', after!));
      return derived;
    }
    const absent = `Image ${image.id} has no replica '${replicaId.slice(0, 80)}'.`;
    return await removeCopy(queries, image, isConcerned, absent);
  });
  await removeBytes(parts, doomed);
}
