/** Makes an image what the old words say, whatever others change meanwhile. */
import { ImageApiError } from '../errors.ts';
import type { Image } from '../image.ts';
import type { ImageClient } from '../image-client.ts';
import type { IsBase } from './base-names.ts';
import { changeOperations } from './changes.ts';
import type { NewWords } from './to-new.ts';

export interface Change {
  readonly words: NewWords;
  /** Take away the properties that the words do not name. */
  readonly purge: boolean;
  /** Change nothing unless the image waits for data. */
  readonly forData: boolean;
}

/** How often somebody else may come first. */
const attempts = 5;

export async function changeImage(
  client: ImageClient,
  id: string,
  change: Change,
  isBase: IsBase,
  signal?: AbortSignal,
): Promise<Image> {
  for (let attempt = 1; ; attempt++) {
    const { image, etag } = await client.getTaggedImage(id, signal);
    if (change.forData && image.status !== 'queued') throw hasData(image);
    const operations = changeOperations(image, change.words, change.purge, isBase);
    if (operations.length === 0) return image;
    try {
      return await client.updateImage(id, operations, { ifMatch: etag ?? undefined, signal });
    } catch (thrown) {
      if (attempt === attempts || !isOvertaken(thrown)) throw thrown;
    }
  }
}

/** Others changed the image after it was read: 412, or 409 for a property that is gone where there are no ETags. */
function isOvertaken(thrown: unknown): boolean {
  return thrown instanceof ImageApiError && (thrown.status === 412 || thrown.status === 409);
}

function hasData({ id, status }: Image): ImageApiError {
  return new ImageApiError(`image ${id} is ${status}: only a queued image takes data`, {
    code: 'status_conflict',
    status: 409,
  });
}
