/** What an image must declare before it has data. */
import { Failure } from '../base/failure.ts';
import type { Image } from './image.ts';

/** Fails with formats_unset. */
export function requireFormats(image: Image): void {
  if (image.disk_format === null || image.container_format === null)
    throw new Failure(
      'formats_unset',
      'disk_format and container_format must be set before the image gets data.',
    );
}
