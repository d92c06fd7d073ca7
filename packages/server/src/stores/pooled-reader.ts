/** Reads what is open, or a part of it, through pooled buffers, some buffers ahead of a fast consumer. */
import { ioBuffers, Pace } from '../base/buffer-pool.ts';
import { Failure } from '../base/failure.ts';

interface Filled {
  readonly buffer: Buffer;
  readonly length: number;
}

export interface PooledReading {
  /** Bytes from `first` on, `length` of them. */
  readonly first: number;
  readonly length: number;
  /** Buffers being filled for a fast consumer, besides the one it has. */
  readonly mostAhead: number;
  /** Fills the buffer, or its beginning, with the bytes at `position`, and resolves with how many; 0: there are no more. */
  read(buffer: Buffer, position: number): Promise<number>;
  /** Called once, when no `read` is under way. */
  close(): Promise<unknown>;
  /** What the consumer is told of an error of `read`. */
  told?(error: unknown): unknown;
}

/**
 * A chunk is valid only until the next is asked for. Closes when the last chunk was taken, the consumer leaves or a read
 * fails.
 */
export class PooledReader implements AsyncIterableIterator<Uint8Array, undefined, undefined> {
  readonly #reading: PooledReading;
  readonly #pace = new Pace();
  readonly #ahead: Promise<Filled>[] = [];
  readonly #underWay = new Set<Promise<Filled>>();
  #position: number;
  #left: number;
  #lent: Filled | null = null;
  #lentAt = 0;
  #closed: Promise<void> | null = null;

  constructor(reading: PooledReading) {
    this.#reading = reading;
    this.#position = reading.first;
    this.#left = reading.length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#takeBack();
    if (this.#closed !== null || (this.#left === 0 && this.#ahead.length === 0)) return this.return();
    try {
      this.#readAhead(1);
      const filled = await this.#ahead.shift()!;
      if (this.#closed === null) return { value: this.#lend(filled), done: false };
      ioBuffers.giveBack(filled.buffer);
      return this.return();
    } catch (error) {
      await this.return();
      throw this.#reading.told?.(error) ?? error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    // Who leaves early may have its last chunk on the way to a socket still.
    if (this.#lent !== null) ioBuffers.drop(this.#lent.buffer);
    this.#lent = null;
    this.#closed ??= this.#close();
    await this.#closed;
    return { value: undefined, done: true };
  }

  /** The consumer asks for more, so it has done with what it had. */
  #takeBack(): void {
    if (this.#lent === null) return;
    this.#pace.add(this.#lent.length, performance.now() - this.#lentAt);
    ioBuffers.giveBack(this.#lent.buffer);
    this.#lent = null;
  }

  #lend(filled: Filled): Uint8Array {
    if (this.#pace.fast) this.#readAhead(this.#reading.mostAhead);
    this.#lent = filled;
    this.#lentAt = performance.now();
    return filled.buffer.subarray(0, filled.length);
  }

  #readAhead(most: number): void {
    while (this.#ahead.length < most && this.#left > 0) {
      const buffer = ioBuffers.take(this.#pace.fast);
      const length = Math.min(buffer.length, this.#left);
      const filling = this.#fill(buffer, length, this.#position);
      this.#underWay.add(filling);
      // Told when the consumer comes for it; until then it must not count as unhandled.
      filling.catch(() => undefined).finally(() => this.#underWay.delete(filling));
      this.#ahead.push(filling);
      this.#position += length;
      this.#left -= length;
    }
  }

  async #fill(buffer: Buffer, length: number, position: number): Promise<Filled> {
    try {
      for (let filled = 0; filled < length; ) {
        const read = await this.#reading.read(buffer.subarray(filled, length), position + filled);
        if (read === 0)
          throw new Failure('store_unavailable', 'The stored data ends before its recorded size.');
        filled += read;
      }
      return { buffer, length };
    } catch (error) {
      // A call that was given up may still write to it.
      ioBuffers.drop(buffer);
      throw error;
    }
  }

  async #close(): Promise<void> {
    const ahead = await Promise.allSettled(this.#ahead.splice(0));
    for (const one of ahead) if (one.status === 'fulfilled') ioBuffers.giveBack(one.value.buffer);
    await Promise.allSettled(this.#underWay);
    await this.#reading.close();
  }
}
