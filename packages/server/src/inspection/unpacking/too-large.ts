/** A few bytes can become very many: says that more came of an image than may. */
import { Failure } from '../../base/failure.ts';

export function tooLarge(most: number): Failure {
  return new Failure(
    'unpack_cap',
    `More than ${most} bytes come of the image, which is more than one of its size may become.`,
  );
}
