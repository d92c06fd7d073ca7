/** Reads an object over the network and, when the connection is cut, goes on where it was. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../base/failure.ts';
import { StallWatch } from '../base/fetch/stall-watch.ts';

export interface ReadingRules {
  /** Milliseconds without data, while it is waited for, after which a connection is given up; and of asking again. */
  readonly stallMs: number;
  /** Times that an object is asked for again without having given `resumeBytes` more. */
  readonly resumes: number;
  readonly resumeBytes: number;
  /** Milliseconds before the first of them; doubled each time. */
  readonly delayMs: number;
}

/** Bytes that must come in `stallMs` of waiting. */
const leastBytes = 4096;

export interface Reading {
  /** The body of the first answer, from the first byte wanted. */
  readonly body: Readable;
  /** Positions of the first byte wanted, and after the last. */
  readonly first: number;
  readonly end: number;
  /**
   * Asks again for the bytes from `position` on. A Failure means that they cannot be had, or are others now;
   * anything else passes.
   */
  readonly again: (position: number, signal: AbortSignal) => Promise<Readable>;
  /** What the consumer is told when all is in vain. */
  readonly told: (error: unknown) => unknown;
}

/**
 * Keeps what `Store.get` promises of its iterator. An answer longer than asked for is cut, a shorter one is asked
 * for again.
 */
export class ResumingReader implements AsyncIterableIterator<Uint8Array, undefined, undefined> {
  readonly #rules: ReadingRules;
  readonly #reading: Reading;
  readonly #closing = new AbortController();
  readonly #watch: StallWatch;
  #body: Readable;
  #chunks: AsyncIterator<Buffer>;
  #position: number;
  #attempts = 0;
  #resumedAt: number;
  #lent: Buffer | null = null;

  constructor(rules: ReadingRules, reading: Reading) {
    this.#rules = rules;
    this.#reading = reading;
    this.#position = reading.first;
    this.#resumedAt = reading.first;
    this.#watch = new StallWatch({ stallMs: rules.stallMs, leastBytes }, () =>
      this.#body.destroy(new Error(`no data came for ${rules.stallMs / 1000} seconds`)),
    );
    this.#body = reading.body;
    this.#chunks = chunksOf(this.#body);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#free();
    const { signal } = this.#closing;
    while (!signal.aborted && this.#position < this.#reading.end) {
      try {
        const chunk = await this.#take();
        if (chunk.length > 0 && !signal.aborted) return { value: chunk, done: false };
      } catch (error) {
        if (!signal.aborted) await this.#resume(error);
      }
    }
    return this.return();
  }

  /** Does not wait for a store that is silent. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#closing.abort();
    this.#lent = null;
    this.#watch.stop();
    this.#body.destroy();
    return { value: undefined, done: true };
  }

  async #take(): Promise<Buffer> {
    this.#watch.wait();
    const { value, done } = await this.#chunks.next().finally(() => this.#watch.stop());
    if (done) throw new Error('the answer ended too early');
    this.#watch.arrived(value.length);
    const left = this.#reading.end - this.#position;
    const chunk = value.length > left ? value.subarray(0, left) : value;
    this.#position += chunk.length;
    this.#lent = chunk;
    return chunk;
  }

  /** The parser of HTTP makes a buffer for every chunk, which only a full collection of garbage would free. */
  #free(): void {
    const lent = this.#lent;
    this.#lent = null;
    if (lent !== null && lent.length >= 4096 && lent.length === lent.buffer.byteLength)
      (lent.buffer as ArrayBuffer).transfer(0);
  }

  async #resume(trouble: unknown): Promise<void> {
    const { resumes, resumeBytes, delayMs, stallMs } = this.#rules;
    const { signal } = this.#closing;
    if (this.#position - this.#resumedAt >= resumeBytes) this.#attempts = 0;
    this.#resumedAt = this.#position;
    this.#body.destroy();
    let last = trouble;
    const until = performance.now() + stallMs;
    while (this.#attempts < resumes && performance.now() < until) {
      const delay = delayMs * 2 ** this.#attempts;
      this.#attempts += 1;
      try {
        await sleep(delay, undefined, { signal });
        const body = await this.#reading.again(this.#position, signal);
        if (signal.aborted) body.destroy();
        this.#body = body;
        this.#chunks = chunksOf(body);
        return;
      } catch (error) {
        if (signal.aborted) return;
        last = error;
        if (error instanceof Failure) break;
      }
    }
    await this.return();
    throw this.#reading.told(last);
  }
}

function chunksOf(body: Readable): AsyncIterator<Buffer> {
  // A reset while nobody waits for a chunk must not become an uncaught error; the next chunk asked for tells it.
  body.on('error', () => {});
  return body[Symbol.asyncIterator]();
}
