/** Data that volumes were cloned from stays: without it they would be lost. */
import { Failure } from '../base/failure.ts';
import { activeLocations, type Location } from '../locations/location-records.ts';
import type { ImageParts } from './parts.ts';

/**
 * Asks the stores, so not while anything is locked: what is cloned after that, its store keeps for the clone. A store that cannot
 * tell is no reason to keep an image. `isConcerned`: when only some of several copies are to go. Fails with image_in_use.
 */
export async function requireUnused(
  { database, stores }: Pick<ImageParts, 'database' | 'stores'>,
  imageId: string,
  isConcerned: ((copy: Location) => boolean) | null = null,
): Promise<void> {
  if (stores.all.every(({ isInUse }) => isInUse === undefined)) return;
  const copies = await activeLocations(database.db, imageId);
  // The last copy stays anyway, and its remover is told that first.
  const concerned = isConcerned === null ? copies : copies.length > 1 ? copies.filter(isConcerned) : [];
  await requireNotCloned(stores, concerned);
}

/** The same for copies that are known. */
export async function requireNotCloned(
  stores: ImageParts['stores'],
  copies: readonly Location[],
): Promise<void> {
  for (const { store: id, key, image_id } of copies) {
    const store = stores.byId(id);
    if (store?.isInUse === undefined) continue;
    if (await store.isInUse(key).catch(() => false))
      throw new Failure('image_in_use', `Volumes were cloned from image ${image_id} in store ${id}.`);
  }
}
