/** POST /v2/images/{id}/replicas: the data of an active image goes into one more store, as it is or in another format. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { findVisible } from '../images/image-records.ts';
import { activeLocations } from '../locations/location-records.ts';
import type { ActionParts } from './parts.ts';
import { startDerivation } from './start-derivation.ts';
import { startImport } from './start-import.ts';

export interface AddReplicaInput {
  readonly id: string;
  /** Its id. */
  readonly store: string;
  /** Null: that of the image. */
  readonly diskFormat: string | null;
  readonly requestId: string;
}

/** Resolves when the copy is certain to be carried out. Fails with replica_exists, or as an import by copy-image or `startDerivation`. */
export async function addReplica(
  parts: ActionParts,
  caller: Caller,
  { id, store, diskFormat, requestId }: AddReplicaInput,
): Promise<void> {
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, id);
  parts.policy.require('copy_image', caller, target);
  if (diskFormat !== null && diskFormat !== image.disk_format)
    return await startDerivation(parts, caller, { id: image.id, store, diskFormat, requestId });
  const copies = await activeLocations(parts.database.db, image.id);
  if (copies.some((copy) => copy.store === store))
    throw new Failure('replica_exists', `Image ${image.id} is already in store '${store}'.`);
  const request = { method: { name: 'copy-image' }, stores: [store] };
  await startImport(parts, caller, { id: image.id, request, storeHeader: null, token: null, requestId });
}
