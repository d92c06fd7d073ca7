/** GET /v2/images/{id}/file: the bytes of an active image, whole or one range. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { activeLocations, type Location } from '../locations/location-records.ts';
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
  const ranked = inReadingOrder(parts.stores, locations).toSorted((a, b) => rank(a.store) - rank(b.store));
  const { chunks, tell } = await openFirst(parts, image.id, ranked, range);
  if (chunks === null) await findVisible(parts.database.db, parts.policy, caller, image.id);
  tell();
  if (chunks !== null) return chunks;
  throw new Failure('store_unavailable', `The data of image ${image.id} cannot be read at the moment.`);
}

/** The bytes from the first location that can serve them; `tell` logs those that could not. */
export async function openFirst(
  { stores, log }: Pick<Parts, 'stores' | 'log'>,
  imageId: string,
  locations: readonly Location[],
  range: ByteRange | null,
): Promise<{ chunks: AsyncIterableIterator<Uint8Array, undefined> | null; tell: () => void }> {
  const troubles: { store: string; err: unknown }[] = [];
  const tell = () => {
    for (const trouble of troubles)
      log.error({ ...trouble, image: imageId }, 'a store cannot serve an image');
  };
  for (const { store, key } of locations) {
    try {
      const chunks = await stores.byId(store)?.get(key, range ?? undefined);
      if (chunks !== undefined) return { chunks, tell };
    } catch (err) {
      troubles.push({ store, err });
    }
  }
  return { chunks: null, tell };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
