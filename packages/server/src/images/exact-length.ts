/** Data that others keep, held to the length that is recorded: it may have changed since. */
import { Failure } from '../base/failure.ts';

function wrongLength(): Failure {
  return new Failure('store_unavailable', 'The data of the image has changed where it is kept.');
}

/** Yields exactly `size` bytes. Fails with store_unavailable before the first byte too many, or at an end that comes too soon. */
export async function* exactLength(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array> {
  let left = size;
  for await (const chunk of chunks) {
    left -= chunk.length;
    if (left < 0) throw wrongLength();
    yield chunk;
  }
  if (left > 0) throw wrongLength();
}
