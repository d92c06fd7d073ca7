/** Chunks that can be left at any moment, even while the next one is being waited for. */

/** To be read to its end or closed with `return`: until then a connection is open. */
export class SourceBody implements AsyncIterableIterator<Uint8Array, undefined, undefined> {
  readonly #chunks: AsyncGenerator<Uint8Array, undefined>;
  readonly #leave: () => void;
  #isLeft = false;

  /** `leave` ends the connection, and with it a wait for the next chunk. */
  constructor(chunks: AsyncGenerator<Uint8Array, undefined>, leave: () => void) {
    this.#chunks = chunks;
    this.#leave = leave;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const step = await this.#chunks.next();
      return this.#isLeft ? { value: undefined, done: true } : step;
    } catch (error) {
      if (this.#isLeft) return { value: undefined, done: true };
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isLeft = true;
    this.#leave();
    await this.#chunks.return(undefined).catch(() => undefined);
    return { value: undefined, done: true };
  }
}
