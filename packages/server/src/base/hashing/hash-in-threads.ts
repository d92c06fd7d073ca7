/** Passes a stream on in blocks that threads hash meanwhile, each digest in another. */
import { beginHash } from './threads.ts';

type Bytes = Uint8Array<SharedArrayBuffer>;

/** With a quarter of it, passing blocks on costs a second of processor time a GiB more. */
const blockBytes = 2 * 1024 * 1024;

/** Of one stream: one gathers, one is with the consumer, the others are being hashed. */
const mostBlocks = 4;

/** Blocks that are kept for the next stream: shared memory goes only when it is collected. */
const keptBlocks = 8;

const kept: Bytes[] = [];

interface Block {
  readonly bytes: Bytes;
  /** Settles when all threads have read it; never rejects. */
  isRead: Promise<unknown>;
}

/**
 * Yields the bytes of `source` in blocks, of which each is valid until the next is asked for. Resolves with hex digests by
 * algorithm. `look` sees every chunk first; what it throws, and what `source` throws, ends it.
 */
export async function* hashInThreads(
  source: AsyncIterable<Uint8Array>,
  algorithms: readonly string[],
  look: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, Map<string, string>, void> {
  const hashes = algorithms.map((name) => ({ name, hash: beginHash(name) }));
  const blocks: Block[] = [];
  let number = 0;
  let filled = 0;
  const hand = (block: Block): Bytes => {
    const bytes = block.bytes.subarray(0, filled);
    // A thread that fails says so again at the end.
    block.isRead = Promise.allSettled(hashes.map(({ hash }) => hash.update(bytes)));
    number += 1;
    filled = 0;
    return bytes;
  };
  try {
    for await (const chunk of source) {
      look(chunk);
      for (let done = 0; done < chunk.length; ) {
        const block = blockOf(blocks, number);
        if (filled === 0) await block.isRead;
        const some = chunk.subarray(done, done + blockBytes - filled);
        block.bytes.set(some, filled);
        filled += some.length;
        done += some.length;
        if (filled === blockBytes) yield hand(block);
      }
    }
    if (filled > 0) yield hand(blockOf(blocks, number));
    const digests = hashes.map(async ({ name, hash }) => [name, await hash.finish()] as const);
    const found = new Map(await Promise.all(digests));
    // Nobody uses them any more; of a consumer that left early that is not certain.
    kept.push(...blocks.slice(0, keptBlocks - kept.length).map(({ bytes }) => bytes));
    return found;
  } finally {
    for (const { hash } of hashes) hash.forget();
  }
}

/** They take turns. */
function blockOf(blocks: Block[], number: number): Block {
  const at = number % mostBlocks;
  const block = blocks[at];
  if (block !== undefined) return block;
  const bytes = kept.pop() ?? new Uint8Array(new SharedArrayBuffer(blockBytes));
  const fresh = { bytes, isRead: Promise.resolve() };
  blocks[at] = fresh;
  return fresh;
}
