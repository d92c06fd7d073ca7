/** Has the server take the data of an image from where the old words say that it is. */
import { sizeError } from '../hasher.ts';
import type { Image } from '../image.ts';
import type { ImageClient } from '../image-client.ts';
import type { DataSource, DataWords } from './to-new.ts';

/**
 * The image as it is once the server has agreed: of data at a `location` active, or being compared with the checksum
 * given; of data to copy not there yet. Throws VerificationError when a location has other than the size given.
 */
export async function takeData(
  client: ImageClient,
  id: string,
  source: DataSource,
  { size, md5, store }: DataWords,
  signal?: AbortSignal,
): Promise<Image> {
  if (source.word === 'copy_from') {
    const method = { name: 'web-download', uri: source.url };
    await client.importImage(id, { method, ...(store === null ? {} : { stores: [store] }) }, signal);
    return await client.getImage(id, signal);
  }
  const known = md5 === null ? undefined : { os_hash_algo: 'md5' as const, os_hash_value: md5.toLowerCase() };
  await client.addLocation(id, source.url, known, signal);
  const image = await client.getImage(id, signal);
  if (size !== null && size !== 0 && image.size !== null && image.size !== size)
    throw sizeError(id, size, image.size, 'its location has');
  return image;
}
