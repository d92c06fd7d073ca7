/** DELETE /v2/stores/{store}/{image}: one of several copies of an image goes (API section 6). */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import type { Location } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { findVisible, lockVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { removeCopy } from './remove-copy.ts';
import { requireUnused } from './require-unused.ts';

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
  const isConcerned = ({ store }: Location) => store === storeId;
  const before = await findVisible(parts.database.db, policy, caller, id);
  policy.require('delete_image_location', caller, before.target);
  await requireUnused(parts, before.image.id, isConcerned);
  const doomed = await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, policy, caller, id);
    policy.require('get_image_location', caller, target);
    policy.require('delete_image_location', caller, target);
    const absent = `Image ${image.id} is not in store '${storeId}'.`;
    return await removeCopy(queries, image, isConcerned, absent);
  });
  await removeBytes(parts, doomed);
}
