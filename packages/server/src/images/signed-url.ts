/** GET /v2/images/{id}/file?redirect=true: sends the client to the store for the bytes. */
import { tellTrouble, WrongBytes } from '../locations/copy-trouble.ts';
import { activeLocations } from '../locations/location-records.ts';
import { nearestFirst } from '../locations/reading-order.ts';
import type { ChosenData } from './chosen-data.ts';
import type { ImageParts } from './parts.ts';

/**
 * A URL good for a short time, of the nearest copy that is well and in a store which the operator lets clients be sent to; null
 * when there is none, or we have to look at the bytes. The data is of an image that the caller may read.
 */
export async function findSignedUrl(
  parts: Pick<ImageParts, 'database' | 'stores' | 'settings' | 'log'>,
  { image, derived }: ChosenData,
  preferred: readonly string[],
): Promise<string | null> {
  const { database, stores, settings } = parts;
  const size = image.size ?? 0;
  if (image.status !== 'active' || size === 0 || settings.verifyDownloads === 'always') return null;
  const copies = nearestFirst(
    stores,
    derived ?? (await activeLocations(database.db, image.id)),
    preferred,
    size,
  );
  for (const copy of copies) {
    const store = stores.byId(copy.store);
    if (store?.signedUrlOf === undefined) continue;
    if (copy.trouble !== null || stores.health.isResting(copy.store)) continue;
    try {
      const url = await store.signedUrlOf(copy.key);
      if (url === null) continue;
      const there = await store.stat(copy.key);
      if (there.size === size) return url;
      throw new WrongBytes(`The copy has ${there.size} bytes instead of ${size}.`);
    } catch (error) {
      tellTrouble(parts, copy, size, error);
    }
  }
  return null;
}
