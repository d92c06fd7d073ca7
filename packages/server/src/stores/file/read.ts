/** Reads a file, or a part of it, through pooled buffers, one buffer ahead of the consumer. */
import type { FileHandle } from 'node:fs/promises';
import { ioBuffers } from '../../base/buffer-pool.ts';
import { Failure } from '../../base/failure.ts';

/** Milliseconds: a consumer that takes longer for a chunk gains nothing from large buffers or reading ahead. */
const slow = 100;

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
  #position: number;
  #left: number;
  #ahead: Promise<Filled> | null = null;
  #lent: Buffer | null = null;
  #lentAt = 0;
  #fast = false;
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
    if (this.#lent !== null) {
      this.#fast = performance.now() - this.#lentAt < slow;
      this.#takeBack();
    }
    if (this.#closed !== null || (this.#left === 0 && this.#ahead === null)) return this.return();
    let filled: Filled;
    try {
      filled = await (this.#ahead ?? this.#read());
    } catch (error) {
      this.#ahead = null;
      await this.return();
      throw error;
    }
    this.#ahead = null;
    if (this.#closed !== null) {
      ioBuffers.giveBack(filled.buffer);
      return { value: undefined, done: true };
    }
    if (this.#fast && this.#left > 0) this.#readAhead();
    this.#lent = filled.buffer;
    this.#lentAt = performance.now();
    return { value: filled.buffer.subarray(0, filled.length), done: false };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#takeBack();
    this.#closed ??= this.#close();
    await this.#closed;
    return { value: undefined, done: true };
  }

  #takeBack(): void {
    if (this.#lent !== null) ioBuffers.giveBack(this.#lent);
    this.#lent = null;
  }

  #readAhead(): void {
    this.#ahead = this.#read();
    // Told when the consumer comes for it; until then it must not count as unhandled.
    this.#ahead.catch(() => undefined);
  }

  async #read(): Promise<Filled> {
    const buffer = this.#fast ? ioBuffers.takeLarge() : ioBuffers.takeSmall();
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
