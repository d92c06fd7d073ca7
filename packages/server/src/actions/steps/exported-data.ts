/** The data of an image on its way out: what is wrong with it is found before its last bytes are given. */
import { Failure } from '../../base/failure.ts';
import type { Image } from '../../images/image.ts';
import { findImage } from '../../images/image-records.ts';
import { readImage } from '../../images/read-image.ts';
import { activeLocations } from '../../locations/location-records.ts';
import { nearestFirst } from '../../locations/reading-order.ts';
import type { ActionParts } from '../parts.ts';

export type ExportInput = {
  readonly image: string;
  /** Project whose quota it counts for. */
  readonly owner: string | null;
  /** May have credentials in it: it is shown nowhere, and not kept once all is sent. */
  readonly location: string;
  /** Format to convert the data to; null: it stays what it is. */
  readonly to: string | null;
  /** Whether who asked may read what is out of service. */
  readonly evenDeactivated: boolean;
};

/** As it is now. Fails with image_deleted or image_deactivated. */
export async function findExported(
  { database }: Pick<ActionParts, 'database'>,
  { image: id, evenDeactivated }: ExportInput,
): Promise<Image> {
  const image = await findImage(database.db, id);
  if (image?.status === 'deactivated' && !evenDeactivated)
    throw new Failure('image_deactivated', `Image ${id} is deactivated.`);
  if (image?.status !== 'active' && image?.status !== 'deactivated') throw deleted(id);
  return image;
}

/**
 * Each chunk is valid until the next is asked for. Fails with digest_mismatch, image_deleted or store_unavailable: that also when a copy had
 * wrong bytes and there are others, which come first the next time.
 */
export async function* exportedBytes(parts: ActionParts, image: Image): AsyncGenerator<Uint8Array> {
  if (image.size === 0) return;
  const locations = await activeLocations(parts.database.db, image.id);
  try {
    yield* await readImage(parts, image, nearestFirst(parts.stores, locations, [], image.size!), null, true);
  } catch (error) {
    if ((await findImage(parts.database.db, image.id)) === undefined) throw deleted(image.id);
    const isWrong = error instanceof Failure && error.code === 'digest_mismatch';
    if (!isWrong || locations.length < 2) throw error;
    throw new Failure('store_unavailable', 'A copy of the image has other bytes than it should.', {
      cause: error,
    });
  }
}

function deleted(id: string): Failure {
  return new Failure('image_deleted', `Image ${id} was deleted during the export.`);
}
