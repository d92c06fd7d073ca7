/** Hashes a stream that passes: a fast one in threads, while its consumer works. */
import { BlocksHashing } from './blocks-hashing.ts';
import { ChunksHashing } from './chunks-hashing.ts';

/** Milliseconds, from its first chunk, in which a fast stream fills its first block: 20 MiB/s. */
const patienceMs = 100;

/** Bytes of a whole stream that are not worth the way to other threads. */
const few = 256 * 1024;

/**
 * Yields the bytes of `source`, in chunks of which each is valid until the next is asked for. Resolves with hex digests by
 * algorithm. `look` sees every chunk first; what it throws, and what `source` throws, ends it. `asTheyCome`: nothing is
 * gathered, since somebody waits for every chunk.
 */
export async function* hashPassing(
  source: AsyncIterable<Uint8Array>,
  algorithms: readonly string[],
  look: (chunk: Uint8Array) => void,
  asTheyCome = false,
): AsyncGenerator<Uint8Array, Map<string, string>, void> {
  const here = new ChunksHashing(algorithms);
  let threads: BlocksHashing | null = null;
  let begun: number | null = null;
  try {
    for await (const chunk of source) {
      look(chunk);
      if (begun === null && !asTheyCome) threads = BlocksHashing.open(algorithms);
      begun ??= performance.now();
      if (threads?.isUnread && performance.now() - begun > patienceMs) {
        yield* threads.leaveTo(here);
        threads = null;
      }
      yield* (threads ?? here).pass(chunk);
    }
    if (threads?.isUnread && threads.gathered < few) {
      yield* threads.leaveTo(here);
      threads = null;
    }
    yield* threads?.passRest() ?? [];
    return await (threads ?? here).finish();
  } finally {
    threads?.leave();
  }
}
