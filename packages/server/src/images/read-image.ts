/** The bytes of an image from some of its copies, held against its digest where that is worth the work. */
import type { Location } from '../locations/location-records.ts';
import { readCopies } from '../locations/read-copies.ts';
import type { ByteRange } from '../stores/store.ts';
import type { Image } from './image.ts';
import type { ImageParts } from './parts.ts';

/**
 * `copies` in the order in which to try them; `range` null: all bytes, at least one. Fails with store_unavailable before
 * the first chunk, or later when no copy can go on. `isVerified`: the last chunk is not given before the digest was found right.
 */
export async function readImage(
  parts: Pick<ImageParts, 'database' | 'stores' | 'settings' | 'log'>,
  image: Image,
  copies: readonly Location[],
  range: ByteRange | null,
  isVerified = isToVerify(parts, copies),
): Promise<AsyncIterableIterator<Uint8Array>> {
  const size = image.size!;
  return await readCopies(parts, {
    copies,
    size,
    range: range ?? { first: 0, last: size - 1 },
    digest: isVerified ? digestOf(image) : null,
  });
}

function isToVerify(
  { stores, settings: { verifyDownloads } }: Pick<ImageParts, 'stores' | 'settings'>,
  copies: readonly Location[],
): boolean {
  if (verifyDownloads !== 'auto') return verifyDownloads === 'always';
  return copies.some(({ store }) => stores.byId(store)?.isLocal !== true);
}

function digestOf({ os_hash_algo, os_hash_value, checksum }: Image) {
  if (os_hash_algo !== null && os_hash_value !== null)
    return { algorithm: os_hash_algo, value: os_hash_value };
  return checksum === null ? null : { algorithm: 'md5', value: checksum };
}
