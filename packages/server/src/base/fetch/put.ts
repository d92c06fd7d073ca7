/** Sends bytes to a place that strangers name, with one PUT. */
import { getDefaultHighWaterMark } from 'node:stream';
import { type Answer, type AskParts, ask, type Target } from './ask.ts';
import { nonsense, pauseAfter, refused, sending, stalled } from './failures.ts';
import { leaveInPeace } from './retry-after.ts';
import { type StallLimits, StallWatch } from './stall-watch.ts';

export interface Outgoing {
  /** Bytes. */
  readonly size: number;
  /** Exactly as many; each is valid until the next is asked for. Iterated once, and not to its end when the place does not want them. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

export interface PutParts extends AskParts, StallLimits {}

/** A connection queues smaller chunks without a word of when it is done with them. */
const queued = getDefaultHighWaterMark(false);

/** Fails as `Fetcher.put` says, when the place says so in its answer not before it may be asked again. */
export async function put(parts: PutParts, target: Target, outgoing: Outgoing): Promise<void> {
  const { size, signal } = outgoing;
  const stalling = new AbortController();
  const give = () => stalling.abort(stalled(target.url, 'it took no data', parts.stallMs));
  const body = new Body(outgoing, new StallWatch(parts, give));
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(size) };
  let answer: Answer;
  try {
    const sent = { method: 'PUT', body: body.chunks(), whole: body.whole } as const;
    answer = await ask(parts, target, headers, AbortSignal.any([signal, stalling.signal]), sent);
  } catch (error) {
    throw sending(error);
  }
  answer.close();
  const { status } = answer;
  const isTaken = status >= 200 && status <= 299;
  if (isTaken && body.isGiven) return;
  const early = () => nonsense(target.url, 'it answered before it had all of the data');
  const failure = sending(isTaken ? early() : refused(target.url, answer));
  await leaveInPeace(pauseAfter(failure), signal);
  throw failure;
}

/** What is sent, with an eye on its pace. */
class Body {
  /** Resolves when the connection has taken all of it. */
  readonly whole: Promise<void>;
  /** Whether the connection has been given all of it. */
  isGiven = false;
  readonly #outgoing: Outgoing;
  readonly #watch: StallWatch;
  readonly #resolve: () => void;

  constructor(outgoing: Outgoing, watch: StallWatch) {
    this.#outgoing = outgoing;
    this.#watch = watch;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whole = promise;
    this.#resolve = resolve;
  }

  /** The last one is given when the source has come to its end: until then what it finds wrong keeps the place from having all. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    const { chunks, size } = this.#outgoing;
    let came = 0;
    let last = Buffer.alloc(0);
    try {
      for await (const chunk of chunks) {
        came += chunk.length;
        if (came < size) yield* this.#pass(chunk.length < queued ? Buffer.from(chunk) : chunk);
        else if (chunk.length > 0) last = Buffer.from(chunk);
      }
      if (came !== size) throw new RangeError(`There are ${came} bytes to send, and not ${size}.`);
      this.isGiven = true;
      if (last.length > 0) yield* this.#pass(last);
      this.#resolve();
    } finally {
      this.#watch.stop();
    }
  }

  /** Time counts only while the connection has a chunk: a slow reader of an image is no slow place. */
  *#pass(chunk: Uint8Array): Generator<Uint8Array> {
    this.#watch.wait();
    yield chunk;
    this.#watch.arrived(chunk.length);
  }
}
