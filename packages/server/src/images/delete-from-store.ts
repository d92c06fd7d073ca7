/** DELETE /v2/stores/{store}/{image}: one of several copies of an image goes (API section 6). */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { activeLocations, setLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { lockVisible, touchImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { statusConflict } from './status.ts';

export interface DeleteFromStoreInput {
  readonly id: string;
  readonly storeId: string;
}

type Parts = Pick<ImageParts, 'database' | 'policy' | 'stores' | 'log'>;

export async function deleteFromStore(
  parts: Parts,
  caller: Caller,
  { id, storeId }: DeleteFromStoreInput,
): Promise<void> {
  const { policy, stores } = parts;
  if (!stores.several) throw new Failure('single_store', 'This server has a single store.');
  if (stores.byId(storeId) === undefined)
    throw new Failure('no_such_store', `There is no store '${storeId.slice(0, 255)}'.`);
  const doomed = await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, policy, caller, id);
    policy.require('get_image_location', caller, target);
    policy.require('delete_image_location', caller, target);
    if (image.status !== 'active')
      throw statusConflict(image.id, image.status, 'active', 'removing data from a store');
    const locations = await activeLocations(queries, image.id);
    // Glance: said first, wherever the one location is.
    if (locations.length === 1)
      throw new Failure('last_location', `Image ${image.id} is in one store only: delete the image instead.`);
    const at = locations.findIndex(({ store }) => store === storeId);
    if (at === -1) throw new Failure('location_not_found', `Image ${image.id} is not in store '${storeId}'.`);
    await touchImage(queries, image.id);
    return await setLocations(queries, image.id, locations.toSpliced(at, 1));
  });
  await removeBytes(parts, doomed);
}
