/** Gathers chunks in blocks of shared memory that threads hash: while a block is with the consumer, and after that. */
import { BufferPool } from '../buffer-pool.ts';
import { copyInto } from '../copy-into.ts';
import type { ChunksHashing } from './chunks-hashing.ts';
import { beginHashes, type ThreadHashes } from './threads.ts';

type Bytes = Buffer<SharedArrayBuffer>;
type Passing = AsyncGenerator<Uint8Array, void, void>;

/** With half of it, passing blocks on costs a second of processor time a GiB more. */
const blockBytes = 1024 * 1024;

/** Of all streams. Shared memory goes only when it is collected, so what was made is kept. */
const pool = new BufferPool<Bytes>({
  make: (bytes) => Buffer.from(new SharedArrayBuffer(bytes)),
  large: blockBytes,
  small: 128 * 1024,
  budget: 12 * blockBytes,
  keptSmall: 4 * 1024 * 1024,
});

/** Of one stream, besides the block that is being gathered. */
const mostBeingRead = 2;

export class BlocksHashing {
  readonly #algorithms: readonly string[];
  readonly #beingRead = new Set<Promise<void>>();
  #hashes: readonly ThreadHashes[] | null = null;
  /** The one that is being gathered, or that the consumer has. */
  #block: Bytes | null;
  #gathered = 0;
  /** Resolves when the threads have read what the consumer has; null: it has nothing. */
  #lent: Promise<unknown> | null = null;

  private constructor(algorithms: readonly string[], first: Bytes) {
    this.#algorithms = algorithms;
    this.#block = first;
  }

  /** Null while other streams have all the memory that there is for this. */
  static open(algorithms: readonly string[]): BlocksHashing | null {
    const first = pool.take(true);
    if (first.length === blockBytes) return new BlocksHashing(algorithms, first);
    pool.giveBack(first);
    return null;
  }

  /** Whether no thread has seen anything yet: all that came is gathered here. */
  get isUnread(): boolean {
    return this.#hashes === null;
  }

  /** Bytes that were not passed on yet. */
  get gathered(): number {
    return this.#gathered;
  }

  /** Waits while the threads are behind. */
  async *pass(chunk: Uint8Array): Passing {
    for (let done = 0; done < chunk.length; ) {
      this.#block ??= await this.#nextBlock();
      const some = chunk.subarray(done, done + this.#block.length - this.#gathered);
      copyInto(this.#block, this.#gathered, some);
      this.#gathered += some.length;
      done += some.length;
      if (this.#gathered === this.#block.length) yield* this.passRest();
    }
  }

  /** What was gathered, as it is. */
  async *passRest(): Passing {
    if (this.#gathered === 0) return;
    this.#hashes ??= beginHashes(this.#algorithms);
    const bytes = this.#block!.subarray(0, this.#gathered);
    // A thread that fails says so again at the end.
    this.#lent = Promise.allSettled(this.#hashes.map((hash) => hash.update(bytes)));
    yield bytes;
    this.#takeBack();
  }

  /** Has `here` pass on what was gathered, and leaves. */
  async *leaveTo(here: ChunksHashing): Passing {
    if (this.#gathered > 0) {
      this.#lent = Promise.resolve();
      yield* here.pass(this.#block!.subarray(0, this.#gathered));
      this.#lent = null;
    }
    this.leave();
  }

  /** Hex digests by algorithm. */
  async finish(): Promise<Map<string, string>> {
    const digests = (this.#hashes ?? []).map(async (hashes) => {
      const values = await hashes.finish();
      return values.map((value, index) => [hashes.algorithms[index]!, value] as const);
    });
    return new Map((await Promise.all(digests)).flat());
  }

  /** To be called once, at any moment. What the consumer still has, nobody else gets. */
  leave(): void {
    for (const hash of this.#hashes ?? []) hash.forget();
    if (this.#block === null) return;
    if (this.#lent === null) pool.giveBack(this.#block);
    else pool.drop(this.#block);
  }

  async #nextBlock(): Promise<Bytes> {
    if (this.#beingRead.size === mostBeingRead) await Promise.race(this.#beingRead);
    return pool.take(true);
  }

  /** The consumer is done with the block. */
  #takeBack(): void {
    const block = this.#block!;
    const read = this.#lent!.then(() => {
      pool.giveBack(block);
      this.#beingRead.delete(read);
    });
    this.#beingRead.add(read);
    this.#lent = null;
    this.#block = null;
    this.#gathered = 0;
  }
}
