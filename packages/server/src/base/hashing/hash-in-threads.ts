/** Passes a stream on in blocks that threads hash meanwhile, each digest in another. */
import { beginHash, type ThreadHash } from './threads.ts';

type Bytes = Uint8Array<SharedArrayBuffer>;

/** With a quarter of it, passing blocks on costs a second of processor time a GiB more. */
const blockBytes = 2 * 1024 * 1024;

/** Of one stream: one gathers, one is with the consumer, the others are being hashed. A slow stream has use for one. */
const mostBlocks = 4;

/** Blocks that are kept for the next stream: shared memory goes only when it is collected. */
const keptBlocks = 8;

const kept: Bytes[] = [];

interface Block {
  readonly bytes: Bytes;
  /** Resolves when all threads have read it; null: nobody reads it. */
  reading: Promise<void> | null;
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
  const hand = (block: Block, length: number): Bytes => {
    const bytes = block.bytes.subarray(0, length);
    block.reading = read(bytes, hashes).then(() => {
      block.reading = null;
    });
    return bytes;
  };
  try {
    let block: Block | null = null;
    let filled = 0;
    for await (const chunk of source) {
      look(chunk);
      for (let done = 0; done < chunk.length; ) {
        block ??= await unreadBlock(blocks);
        const some = chunk.subarray(done, done + blockBytes - filled);
        block.bytes.set(some, filled);
        filled += some.length;
        done += some.length;
        if (filled < blockBytes) continue;
        yield hand(block, filled);
        block = null;
        filled = 0;
      }
    }
    if (block !== null) yield hand(block, filled);
    const digests = hashes.map(async ({ name, hash }) => [name, await hash.finish()] as const);
    const found = new Map(await Promise.all(digests));
    // Nobody uses them any more; of a consumer that left early that is not certain.
    kept.push(...blocks.slice(0, keptBlocks - kept.length).map(({ bytes }) => bytes));
    return found;
  } finally {
    for (const { hash } of hashes) hash.forget();
  }
}

/** A thread that fails says so again at the end. */
async function read(bytes: Bytes, hashes: readonly { readonly hash: ThreadHash }[]): Promise<void> {
  await Promise.allSettled(hashes.map(({ hash }) => hash.update(bytes)));
}

/** One that nobody reads, the consumer included: it has asked for more. */
async function unreadBlock(blocks: Block[]): Promise<Block> {
  for (;;) {
    const unread = blocks.find(({ reading }) => reading === null);
    if (unread !== undefined) return unread;
    if (blocks.length < mostBlocks) {
      const fresh = { bytes: kept.pop() ?? new Uint8Array(new SharedArrayBuffer(blockBytes)), reading: null };
      blocks.push(fresh);
      return fresh;
    }
    await Promise.race(blocks.map(({ reading }) => reading));
  }
}
