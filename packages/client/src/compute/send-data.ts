/** Sends the data of an image, held to the size and checksum that the old words gave. */
import { digestError } from '../hasher.ts';
import type { Image } from '../image.ts';
import type { ImageClient } from '../image-client.ts';
import type { Progress } from '../upload-data.ts';
import type { ImageBody } from '../upload-source.ts';
import type { DataWords } from './to-new.ts';

export interface SendOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** The image with its data. Throws VerificationError when a server stored other bytes than those of the checksum. */
export async function sendData(
  client: ImageClient,
  id: string,
  data: ImageBody,
  { size, md5, store }: DataWords,
  { onProgress, signal }: SendOptions,
): Promise<Image> {
  await client.uploadData(id, data, {
    // A record says 0 while there is no data.
    ...(size === null || size === 0 ? {} : { size }),
    ...(store === null ? {} : { store }),
    ...(md5 === null ? {} : { expectedDigests: { md5 } }),
    onProgress,
    signal,
  });
  const image = await client.getImage(id, signal);
  // Tintype has compared them before it took the data; other servers do not know the question.
  if (md5 !== null && image.checksum !== null && image.checksum !== md5.toLowerCase())
    throw digestError(id, 'md5', md5, image.checksum);
  return image;
}
