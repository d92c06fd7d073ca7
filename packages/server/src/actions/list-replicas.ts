/** GET /v2/images/{id}/replicas: the copies of an image's data, and what follows from them for the image (seed S1). */
import type { Caller } from '../identity/caller.ts';
import type { Image } from '../images/image.ts';
import { findVisible } from '../images/image-records.ts';
import type { ImageParts } from '../images/parts.ts';
import { type Copy, copiesOf } from '../locations/location-records.ts';
import { stagingStoreId } from '../stores/registry.ts';
import { readBook } from './import-book.ts';

export interface ImageCopies {
  readonly image: Image;
  /** Whether all copies can be read, some, or none; `empty`: there is nothing to read. */
  readonly health: 'healthy' | 'degraded' | 'unavailable' | 'empty';
  /** In their order, those that are being removed too. */
  readonly copies: readonly Copy[];
  /** Ids of stores that an import is bringing the data into. */
  readonly creating: readonly string[];
}

/** Whoever sees an image sees how it is kept; where, in the words of a URL, only those who see its locations. */
export async function listReplicas(
  { database, policy }: Pick<ImageParts, 'database' | 'policy'>,
  caller: Caller,
  id: string,
): Promise<ImageCopies> {
  const { image } = await findVisible(database.db, policy, caller, id);
  const all = await copiesOf(database.db, image.id);
  // What an import leaves behind for a moment is no copy.
  const copies = all.filter(({ store }) => store !== stagingStoreId);
  return { image, health: healthOf(copies), copies, creating: readBook(image).importing };
}

function healthOf(copies: readonly Copy[]): ImageCopies['health'] {
  const kept = copies.filter(({ status }) => status === 'active');
  const well = kept.filter(({ trouble }) => trouble === null);
  if (kept.length === 0) return 'empty';
  if (well.length === 0) return 'unavailable';
  return well.length === kept.length ? 'healthy' : 'degraded';
}
