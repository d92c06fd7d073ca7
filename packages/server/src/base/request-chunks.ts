/** The bytes of a request body, one chunk at a time: with back-pressure, an idle limit and told failures. */
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Failure } from './failure.ts';

export interface RequestChunksOptions {
  /** Milliseconds without a byte, while one is being waited for, after which the upload has stalled. */
  readonly idleMs: number;
  readonly signal?: AbortSignal;
}

type Step = IteratorResult<Buffer, undefined>;

/** Bytes that may wait here before the sender is held back. */
const queueLimit = 64 * 1024;

/**
 * Bytes taken from one sender before the event loop turns to everybody else: a socket alone may give
 * 2 MiB at once, and hashing those takes longer than another request should wait.
 */
const turnLimit = 256 * 1024;

/**
 * Yields the stream's own buffers, uncopied; each is valid only until the next is asked for. Fails with upload_cut when the stream ends before its data
 * did, upload_stalled when it goes silent, or the reason of `signal`. Leaving the loop stops listening
 * and pauses the stream; it can still be drained. To be iterated once.
 */
export function requestChunks(stream: Readable, options: RequestChunksOptions): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => new RequestChunks(stream, options) };
}

class RequestChunks implements AsyncIterator<Buffer, undefined> {
  readonly #stream: Readable;
  readonly #options: RequestChunksOptions;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #ended = false;
  #failure: unknown = null;
  #waiting: { resolve: (step: Step) => void; reject: (reason: unknown) => void } | null = null;
  #idle: NodeJS.Timeout | null = null;
  #turnBytes = 0;
  #lent: Buffer | null = null;
  #listening = false;

  constructor(stream: Readable, options: RequestChunksOptions) {
    this.#stream = stream;
    this.#options = options;
    // Stays for good: a reset after we stopped listening must not become an uncaught error.
    stream.on('error', ignore);
    if (options.signal?.aborted) this.#fail(options.signal.reason);
    else if (stream.readableEnded) this.#ended = true;
    else if (stream.destroyed) this.#fail(cut(stream.errored));
    else this.#listen();
  }

  next(): Promise<Step> {
    if (this.#lent !== null) this.#free(this.#lent);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.length;
      this.#lent = chunk;
      return Promise.resolve({ value: chunk, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#watch();
      if (this.#turnBytes < turnLimit && this.#stream.isPaused()) this.#stream.resume();
    });
  }

  return(): Promise<Step> {
    this.#leave();
    this.#queue.length = 0;
    this.#ended = true;
    return Promise.resolve({ value: undefined, done: true });
  }

  #listen(): void {
    this.#listening = true;
    this.#stream.on('data', this.#onData);
    this.#stream.on('end', this.#onEnd);
    this.#stream.on('error', this.#onError);
    this.#stream.on('close', this.#onClose);
    this.#options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#stream.pause();
  }

  #leave(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    if (!this.#listening) return;
    this.#listening = false;
    if (!this.#ended) this.#stream.pause();
    this.#stream.off('data', this.#onData);
    this.#stream.off('end', this.#onEnd);
    this.#stream.off('error', this.#onError);
    this.#stream.off('close', this.#onClose);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  /**
   * Node's HTTP parser makes a buffer for every chunk, which only a full garbage collection would free:
   * forty of them for each GiB, and 60 MB of memory more.
   */
  #free(chunk: Buffer): void {
    this.#lent = null;
    const alone = chunk.length >= 4096 && chunk.length === chunk.buffer.byteLength;
    if (alone && this.#stream instanceof IncomingMessage) (chunk.buffer as ArrayBuffer).transfer(0);
  }

  /** One timer for the whole stream: `refresh` costs less than a timer for every chunk. */
  #watch(): void {
    if (this.#idle === null) this.#idle = setTimeout(this.#onIdle, this.#options.idleMs);
    else this.#idle.refresh();
  }

  #fail(reason: unknown): void {
    this.#failure = reason;
    this.#queue.length = 0;
    this.#leave();
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(reason);
  }

  readonly #onTurn = (): void => {
    this.#turnBytes = 0;
    if (this.#waiting !== null && this.#listening && this.#stream.isPaused()) this.#stream.resume();
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#turnBytes === 0) setImmediate(this.#onTurn);
    this.#turnBytes += chunk.length;
    if (this.#turnBytes >= turnLimit) this.#stream.pause();
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      this.#lent = chunk;
      waiting.resolve({ value: chunk, done: false });
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= queueLimit) this.#stream.pause();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#leave();
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve({ value: undefined, done: true });
  };

  readonly #onError = (error: Error): void => this.#fail(cut(error));
  readonly #onClose = (): void => this.#fail(cut(this.#stream.errored));
  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);

  readonly #onIdle = (): void => {
    if (this.#waiting === null) return;
    const seconds = this.#options.idleMs / 1000;
    this.#fail(new Failure('upload_stalled', `No data arrived for ${seconds} seconds.`));
  };
}

function cut(cause: Error | null): Failure {
  return new Failure('upload_cut', 'The connection ended before the data did.', {
    cause: cause ?? undefined,
  });
}

function ignore(): void {}
