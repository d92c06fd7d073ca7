/** The bytes of an image from the place that serves best, and where that fails, in the middle too, from another. */
import type { PlaceHealth } from '@tintype/nearest';
import { type DataPlace, isTrouble, openPlace, type Stretch } from './data-place.ts';
import type { Check } from './download-data.ts';
import { ConnectionError, VerificationError } from './errors.ts';
import { explainFetchFailure } from './fetch-failure.ts';
import { digestError } from './hasher.ts';
import type { Progress } from './upload-data.ts';

export interface NearestReading {
  readonly id: string;
  /** At least one, those to prefer first. */
  readonly places: readonly DataPlace[];
  readonly health: PlaceHealth;
  readonly wanted: Stretch;
  /** Of the whole data; null: not looked at. */
  readonly check: Check | null;
  /** Milliseconds without a byte after which a place has failed. */
  readonly stallMs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

interface Open {
  readonly place: DataPlace;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly request: AbortController;
  firstMs: number;
  restMs: number;
  restBytes: number;
}

/** Those that rest come last, else those that are expected to be quick come first; what nothing is known of is found out. */
function inOrder(places: readonly DataPlace[], health: PlaceHealth, bytes: number): readonly DataPlace[] {
  const by = ({ name }: DataPlace) => (health.isResting(name) ? Infinity : health.expectedMs(name, bytes));
  return places.toSorted((one, other) => by(one) - by(other) || 0);
}

export class PlacesReader {
  readonly #reading: NearestReading;
  readonly #left: DataPlace[];
  #at: number;
  #open: Open | null = null;
  #isClosed = false;
  /** Those whose bytes were taken. */
  readonly #used = new Set<string>();

  constructor(reading: NearestReading) {
    const { first, last } = reading.wanted;
    this.#reading = reading;
    this.#at = first;
    this.#left = [...inOrder(reading.places, reading.health, last - first + 1)];
  }

  /** The next place that answers, from where the last one ended. Throws `trouble`, else what the first that does not answer throws. */
  async open(trouble: unknown = null): Promise<void> {
    const { health, wanted, signal } = this.#reading;
    let told = trouble;
    for (let place = this.#left.shift(); place !== undefined; place = this.#left.shift()) {
      if (!health.admits(place.name)) continue;
      const request = new AbortController();
      const begun = performance.now();
      try {
        const stretch = { ...wanted, first: this.#at };
        const body = await this.#within(place, request, (within) => openPlace(place, stretch, within));
        const firstMs = performance.now() - begun;
        this.#open = { place, reader: body.getReader(), request, firstMs, restMs: 0, restBytes: 0 };
        if (this.#isClosed) await this.close();
        return;
      } catch (thrown) {
        signal?.throwIfAborted();
        if (isTrouble(thrown)) health.failed(place.name);
        told ??= thrown;
      }
    }
    throw (
      told ??
      new ConnectionError('every place with the data failed a moment ago: try again in some seconds', 'other')
    );
  }

  /** Null: that was all, or it was closed. Throws what the last place threw, VerificationError or the reason of an abort. */
  async next(): Promise<Uint8Array | null> {
    const { wanted, signal } = this.#reading;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#at > wanted.last || this.#isClosed) return null;
      const open = this.#open!;
      try {
        return await this.#take(open);
      } catch (thrown) {
        signal?.throwIfAborted();
        if (this.#isClosed) return null;
        if (thrown instanceof VerificationError) throw thrown;
        await this.#goOn(open, thrown);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#open?.request.abort();
    await this.#open?.reader.cancel().catch(() => {});
  }

  async #take(open: Open): Promise<Uint8Array> {
    const { wanted, check, onProgress } = this.#reading;
    const asked = performance.now();
    const { done, value } = await this.#within(open.place, open.request, () => open.reader.read());
    if (done || this.#at + value.length > wanted.last + 1)
      throw new ConnectionError(
        `${open.place.name} gave ${done ? 'less' : 'more'} than was asked for`,
        'cut',
      );
    open.restMs += performance.now() - asked;
    open.restBytes += value.length;
    this.#used.add(open.place.name);
    this.#at += value.length;
    check?.hasher.update(value);
    if (this.#at > wanted.last) await this.#finish(open);
    onProgress?.({ transferred: this.#at - wanted.first, total: wanted.last - wanted.first + 1 });
    return value;
  }

  /** Before the last bytes are given. */
  async #finish({ place, firstMs, restMs, restBytes }: Open): Promise<void> {
    const { id, check, health } = this.#reading;
    const actual = await check?.hasher.digest('hex');
    if (check && actual !== check.expected) {
      // Of several that served together nobody knows whose bytes are wrong.
      if (this.#used.size === 1) health.failed(place.name);
      throw digestError(id, check.algorithm, check.expected, `${actual}`);
    }
    health.served(place.name, { firstMs, restMs, restBytes });
  }

  async #goOn(open: Open, thrown: unknown): Promise<void> {
    const { health } = this.#reading;
    open.request.abort();
    await open.reader.cancel().catch(() => {});
    health.failed(open.place.name);
    // A connection that was cut may go on: it has given something, so this ends.
    if (open.restBytes > 0) this.#left.push(open.place);
    await this.open(thrown);
  }

  #within<T>(
    place: DataPlace,
    request: AbortController,
    work: (within: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { stallMs, signal } = this.#reading;
    return inTime(place.name, stallMs, signal, work, request);
  }
}

/** What `work` gives; its request is given up, and fails with ConnectionError, when it takes longer than `ms`. Throws what is thrown, explained. */
export async function inTime<T>(
  name: string,
  ms: number,
  signal: AbortSignal | undefined,
  work: (within: AbortSignal) => Promise<T>,
  request = new AbortController(),
): Promise<T> {
  const late = new ConnectionError(`no data came from ${name} in time`, 'timeout');
  const timer = setTimeout(() => request.abort(late), ms);
  try {
    return await work(signal === undefined ? request.signal : AbortSignal.any([signal, request.signal]));
  } catch (thrown) {
    throw request.signal.aborted ? request.signal.reason : explainFetchFailure(thrown, name);
  } finally {
    clearTimeout(timer);
  }
}
