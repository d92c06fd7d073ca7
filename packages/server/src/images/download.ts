/** GET /v2/images/{id}/file: the bytes of an active image, whole or one range. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { activeLocations } from '../locations/location-records.ts';
import { inReadingOrder } from '../locations/reading-order.ts';
import type { ByteRange } from '../stores/store.ts';
import type { Image } from './image.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';

type Parts = Pick<ImageParts, 'database' | 'policy' | 'stores' | 'log'>;

/** The image when its data may be read by this caller; null while there is none yet. */
export async function findReadable(parts: Parts, caller: Caller, id: string): Promise<Image | null> {
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, id);
  parts.policy.require('download_image', caller, target);
  if (image.status === 'deactivated' && !parts.policy.isAdmin(caller))
    throw new Failure('image_deactivated', `Image ${image.id} is deactivated.`);
  return image.status === 'active' || image.status === 'deactivated' ? image : null;
}

/** Fails with unknown_store unless every store named is there. */
export function checkPreferred(parts: Pick<ImageParts, 'stores'>, preferred: readonly string[]): void {
  for (const id of preferred)
    if (parts.stores.byId(id) === undefined) throw new Failure('unknown_store', `There is no store '${id}'.`);
}

/**
 * Yields the bytes, or those of `range`; each chunk is valid until the next is asked for. Tries the preferred
 * stores, then the others. Fails before the first chunk with store_unavailable when none of them can serve, or
 * image_not_found when the image was deleted since it was found.
 */
export async function openData(
  parts: Parts,
  caller: Caller,
  image: Image,
  range: ByteRange | null,
  preferred: readonly string[],
): Promise<AsyncIterable<Uint8Array>> {
  if (image.size === 0) return nothing();
  const rank = (store: string) => (preferred.includes(store) ? preferred.indexOf(store) : preferred.length);
  const locations = await activeLocations(parts.database.db, image.id);
  const troubles: { store: string; err: unknown }[] = [];
  const tell = () => {
    for (const trouble of troubles)
      parts.log.error({ ...trouble, image: image.id }, 'a store cannot serve an image');
  };
  const ordered = inReadingOrder(parts.stores, locations);
  for (const { store, key } of ordered.toSorted((a, b) => rank(a.store) - rank(b.store))) {
    try {
      const holder = parts.stores.byId(store);
      if (holder === undefined) continue;
      const opened = await holder.get(key, range ?? undefined);
      tell();
      return opened;
    } catch (err) {
      troubles.push({ store, err });
    }
  }
  await findVisible(parts.database.db, parts.policy, caller, image.id);
  tell();
  throw new Failure('store_unavailable', `The data of image ${image.id} cannot be read at the moment.`);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
