/** Hashes chunks as they come, by the thread that has them: it needs no memory, which slow streams are many for. */
import { createHash } from 'node:crypto';

export class ChunksHashing {
  readonly #hashes: Map<string, ReturnType<typeof createHash>>;

  /** `algorithms` are names that node:crypto knows. */
  constructor(algorithms: readonly string[]) {
    this.#hashes = new Map(algorithms.map((name) => [name, createHash(name)]));
  }

  *pass(chunk: Uint8Array): Generator<Uint8Array, void, void> {
    for (const hash of this.#hashes.values()) hash.update(chunk);
    yield chunk;
  }

  /** Hex digests by algorithm. */
  finish(): Map<string, string> {
    return new Map(Array.from(this.#hashes, ([name, hash]) => [name, hash.digest('hex')]));
  }
}
