/** GET /v2/images/{id}/file: the bytes of an active image, whole or one range. */
import { Failure } from '../base/failure.ts';
import type { ImageFacts } from '../cache/entry.ts';
import type { Chunks, Origin } from '../cache/read.ts';
import type { Caller } from '../identity/caller.ts';
import { activeLocations, type Location } from '../locations/location-records.ts';
import { nearestFirst } from '../locations/reading-order.ts';
import type { ByteRange } from '../stores/store.ts';
import type { ChosenData } from './chosen-data.ts';
import type { Image } from './image.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { readImage } from './read-image.ts';

type Parts = Pick<ImageParts, 'database' | 'policy' | 'stores' | 'cache' | 'settings' | 'log'>;

/** The image when its data may be read by this caller, from stores of their choice if they choose; null while there is none yet. */
export async function findReadable(
  parts: Parts,
  caller: Caller,
  id: string,
  preferred: readonly string[] = [],
): Promise<Image | null> {
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, id);
  parts.policy.require('download_image', caller, target);
  if (preferred.length > 0) parts.policy.require('download_from_store', caller, target);
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
 * The bytes, or those of `range`; each chunk is valid until the next is asked for. Tries the cache, the preferred stores,
 * then the nearest of the others; where one fails, another goes on. Fails before the first chunk with store_unavailable
 * when none of them can serve, or image_not_found when the image was deleted since it was found.
 */
export async function openData(
  parts: Parts,
  caller: Caller,
  data: ChosenData,
  range: ByteRange | null,
  preferred: readonly string[],
): Promise<Chunks> {
  const { image, derived } = data;
  if (image.size === 0) return nothing();
  const origin: Origin = async (part) => {
    try {
      return await openStored(parts, data, part, preferred);
    } catch (error) {
      await findVisible(parts.database.db, parts.policy, caller, image.id);
      throw error;
    }
  };
  const facts = cacheable(image);
  if (parts.cache === null || facts === null || derived !== null) return await origin(range);
  return await parts.cache.through(facts, range, origin);
}

/** Null for data without a digest, which nothing can be held against. */
export function cacheable({ id, size, checksum, os_hash_algo, os_hash_value }: Image): ImageFacts | null {
  if (size === null || size === 0) return null;
  if (os_hash_algo !== null && os_hash_value !== null)
    return { id, size, algorithm: os_hash_algo, digest: os_hash_value };
  return checksum === null ? null : { id, size, algorithm: 'md5', digest: checksum };
}

/** The same from the stores alone, for whoever may have them. */
export async function openStored(
  parts: Pick<Parts, 'database' | 'stores' | 'settings' | 'log'>,
  data: ChosenData,
  range: ByteRange | null,
  preferred: readonly string[] = [],
): Promise<Chunks> {
  return await readImage(parts, data.image, await copiesOf(parts, data, preferred), range);
}

/** In the order in which to try them. */
async function copiesOf(
  { database, stores }: Pick<Parts, 'database' | 'stores'>,
  { image, derived }: ChosenData,
  preferred: readonly string[],
): Promise<Location[]> {
  const copies = derived ?? (await activeLocations(database.db, image.id));
  return nearestFirst(stores, copies, preferred, image.size!);
}

/**
 * The path of a file on this machine that is exactly the data, in the cache or else in the store that is read from
 * first: for a web server to send. Null when there is none.
 */
export async function findFile(
  parts: Parts,
  data: ChosenData,
  preferred: readonly string[],
): Promise<string | null> {
  const { image, derived } = data;
  const facts = derived === null ? cacheable(image) : null;
  const copy = facts === null ? null : await parts.cache?.fileOf(facts);
  if (typeof copy === 'string') return copy;
  const [nearest] = await copiesOf(parts, data, preferred);
  const store = nearest === undefined ? undefined : parts.stores.byId(nearest.store);
  if (nearest === undefined || store?.fileOf === undefined) return null;
  const found = await store.stat(nearest.key).catch(() => null);
  return found !== null && found.size === image.size ? await store.fileOf(nearest.key) : null;
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {}
