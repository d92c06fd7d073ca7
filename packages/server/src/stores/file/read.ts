/** Reads a file, or a part of it, through pooled buffers, one buffer ahead of the consumer. */
import type { FileHandle } from 'node:fs/promises';
import { ioBuffers, Pace } from '../../base/buffer-pool.ts';
import { Failure } from '../../base/failure.ts';

interface Filled {
  readonly buffer: Buffer;
  readonly length: number;
}

/**
 * Bytes from `first`, `length` of them. A chunk is valid only until the next is asked for. The file is
 * closed when the last chunk was taken, the consumer leaves or a read fails.
 */
export class FileReader implements AsyncIterableIterator<Uint8Array, undefined, undefined> {
  readonly #file: FileHandle;
  readonly #pace = new Pace();
  #position: number;
  #left: number;
  #ahead: Promise<Filled> | null = null;
  #lent: Filled | null = null;
  #lentAt = 0;
  #closed: Promise<void> | null = null;

  constructor(file: FileHandle, first: number, length: number) {
    this.#file = file;
    this.#position = first;
    this.#left = length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#takeBack();
    if (this.#closed !== null || (this.#left === 0 && this.#ahead === null)) return this.return();
    try {
      const reading = this.#ahead ?? this.#read();
      this.#ahead = null;
      const filled = await reading;
      if (this.#closed === null) return { value: this.#lend(filled), done: false };
      ioBuffers.giveBack(filled.buffer);
      return this.return();
    } catch (error) {
      await this.return();
      throw error;
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
    if (this.#pace.fast && this.#left > 0) {
      this.#ahead = this.#read();
      // Told when the consumer comes for it; until then it must not count as unhandled.
      this.#ahead.catch(() => undefined);
    }
    this.#lent = filled;
    this.#lentAt = performance.now();
    return filled.buffer.subarray(0, filled.length);
  }

  async #read(): Promise<Filled> {
    const buffer = ioBuffers.take(this.#pace.fast);
    try {
      const length = Math.min(buffer.length, this.#left);
      const { bytesRead } = await this.#file.read(buffer, 0, length, this.#position);
      if (bytesRead === 0)
        throw new Failure('store_unavailable', 'The stored data ends before its recorded size.');
      this.#position += bytesRead;
      this.#left -= bytesRead;
      return { buffer, length: bytesRead };
    } catch (error) {
      ioBuffers.giveBack(buffer);
      throw error;
    }
  }

  async #close(): Promise<void> {
    const ahead = await this.#ahead?.catch(() => null);
    this.#ahead = null;
    if (ahead) ioBuffers.giveBack(ahead.buffer);
    await this.#file.close();
  }
}
