/** The bytes of an image from its copies: where one fails, in the middle too, another goes on. */
import { createHash, type Hash } from 'node:crypto';
import { Failure } from '../base/failure.ts';
import type { ByteRange } from '../stores/store.ts';
import { type ReadingParts, tellRecovery, tellTrouble, WrongBytes } from './copy-trouble.ts';
import type { Location } from './location-records.ts';

export interface Wanted {
  /** In the order in which to try them. */
  readonly copies: readonly Location[];
  /** Bytes of the whole image. */
  readonly size: number;
  readonly range: ByteRange;
  /** In lower-case hex; null, or only a part of the image wanted: not looked at. */
  readonly digest: { readonly algorithm: string; readonly value: string } | null;
}

interface Open {
  readonly copy: Location;
  readonly chunks: AsyncIterator<Uint8Array, undefined>;
  readonly askedAt: number;
}

/**
 * Resolves once a copy answers, with exactly the bytes of the range; each chunk is valid until the next is asked for, and
 * the last one is not given before the digest was found right. Fails with store_unavailable when no copy can serve, or none
 * can go on. Who does not read must call `return`.
 */
export async function readCopies(
  parts: ReadingParts,
  wanted: Wanted,
): Promise<AsyncIterableIterator<Uint8Array>> {
  const reading = new CopyReading(parts, wanted);
  await reading.open();
  return reading;
}

class CopyReading implements AsyncIterableIterator<Uint8Array> {
  readonly #parts: ReadingParts;
  readonly #wanted: Wanted;
  readonly #left: Location[];
  readonly #hash: Hash | null;
  readonly #chunks: AsyncGenerator<Uint8Array, undefined>;
  /** Where the next byte is in the image. */
  #at: number;
  #open: Open | null = null;
  #opened = 0;

  constructor(parts: ReadingParts, wanted: Wanted) {
    const { copies, range, size, digest } = wanted;
    this.#parts = parts;
    this.#wanted = wanted;
    this.#left = [...copies];
    this.#at = range.first;
    const isWhole = range.first === 0 && range.last === size - 1;
    this.#hash = isWhole && digest !== null ? createHash(digest.algorithm) : null;
    this.#chunks = this.#read();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#chunks.next();
  }

  /** A generator that was never asked for anything closes nothing by itself. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#chunks.return(undefined);
    await this.#open?.chunks.return?.();
    return { done: true, value: undefined };
  }

  /** The next copy that answers, from where the last one ended. */
  async open(): Promise<void> {
    const { stores } = this.#parts;
    let cause: unknown = new Error('There is no copy.');
    for (let copy = this.#left.shift(); copy !== undefined; copy = this.#left.shift()) {
      const store = stores.byId(copy.store);
      cause = new Error(`Store ${copy.store} is not configured, or failed a moment ago.`);
      if (store === undefined || !stores.health.admits(copy.store)) continue;
      const askedAt = performance.now();
      try {
        const chunks = await store.get(copy.key, { first: this.#at, last: this.#wanted.range.last });
        this.#open = { copy, chunks, askedAt };
        this.#opened += 1;
        return;
      } catch (error) {
        cause = error;
        tellTrouble(this.#parts, copy, this.#wanted.size, error);
      }
    }
    throw new Failure('store_unavailable', 'The data of the image cannot be read at the moment.', { cause });
  }

  async *#read(): AsyncGenerator<Uint8Array, undefined> {
    while (this.#at <= this.#wanted.range.last) {
      const { copy, chunks } = this.#open!;
      try {
        yield* this.#readOn(this.#open!);
      } catch (error) {
        await chunks.return?.();
        // Of several copies that served together nobody knows whose bytes are wrong.
        if (!(error instanceof WrongBytes) || this.#opened === 1)
          tellTrouble(this.#parts, copy, this.#wanted.size, error);
        if (error instanceof WrongBytes) throw error;
        await this.open();
      }
    }
    await this.#open?.chunks.return?.();
    return undefined;
  }

  /** Until the end of the range. */
  async *#readOn({ copy, chunks, askedAt }: Open): AsyncGenerator<Uint8Array> {
    const { size, range } = this.#wanted;
    const reading = { firstMs: -1, restMs: 0, restBytes: 0 };
    for (let askedFor = askedAt; this.#at <= range.last; askedFor = performance.now()) {
      const step = await chunks.next();
      const waited = performance.now() - askedFor;
      const length = step.value?.length ?? 0;
      if (step.done || this.#at + length > range.last + 1)
        throw new Failure(
          'store_unavailable',
          `There are ${step.done ? 'less' : 'more'} than ${size} bytes.`,
        );
      if (reading.firstMs < 0) reading.firstMs = waited;
      else {
        reading.restMs += waited;
        reading.restBytes += length;
      }
      this.#take(step.value);
      yield step.value;
    }
    this.#parts.stores.health.served(copy.store, reading);
    if (copy.trouble === 'missing' || (copy.trouble !== null && this.#hash !== null && this.#opened === 1))
      tellRecovery(this.#parts, copy);
  }

  #take(chunk: Uint8Array): void {
    const { range, digest } = this.#wanted;
    this.#at += chunk.length;
    this.#hash?.update(chunk);
    if (this.#at > range.last && this.#hash !== null && this.#hash.digest('hex') !== digest!.value)
      throw new WrongBytes('The data does not have the digest of the image.');
  }
}
