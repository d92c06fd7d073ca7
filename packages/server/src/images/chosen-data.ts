/** Which bytes are meant by an image in some format: its own, or those of the copies that were made of it. */
import { Failure } from '../base/failure.ts';
import { derivedCopies } from '../locations/derived-records.ts';
import type { Location } from '../locations/location-records.ts';
import type { Image } from './image.ts';
import type { ImageParts } from './parts.ts';

export interface ChosenData {
  /** As if what was chosen were its data: format, size and digests are those of the bytes. */
  readonly image: Image;
  /** The copies of another format than that of the image; null: its own data is meant. */
  readonly derived: readonly Location[] | null;
}

/** Fails with format_not_found. */
export async function chooseData(
  { database }: Pick<ImageParts, 'database'>,
  image: Image,
  diskFormat: string | null,
): Promise<ChosenData> {
  if (diskFormat === null || diskFormat === image.disk_format) return { image, derived: null };
  const all = await derivedCopies(database.db, image.id);
  const derived = all.filter((copy) => copy.disk_format === diskFormat);
  const [first] = derived;
  if (first === undefined) {
    const formats = [...new Set([image.disk_format, ...all.map((copy) => copy.disk_format)])].join(', ');
    const asked = diskFormat.slice(0, 80);
    throw new Failure(
      'format_not_found',
      `Image ${image.id} is not there as '${asked}', but as: ${formats}.`,
    );
  }
  // Conversions of one disk at different times may differ in bytes.
  const same = derived.filter(
    (copy) => copy.size === first.size && copy.os_hash_value === first.os_hash_value,
  );
  const { disk_format, size, checksum, os_hash_algo, os_hash_value } = first;
  const shown = {
    ...image,
    disk_format,
    container_format: 'bare',
    size,
    checksum,
    os_hash_algo,
    os_hash_value,
  };
  return { image: shown, derived: same };
}
