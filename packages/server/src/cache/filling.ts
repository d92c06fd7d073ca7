/** Makes entries: one fill an image, however many want it. */
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Entry, ImageFacts } from './entry.ts';
import { Fill } from './fill.ts';
import type { CacheFolder, Draft } from './folder.ts';
import type { Origin } from './read.ts';

/** Milliseconds after a failure in which the image is not tried again. */
const refusalMs = 60_000;
/** Failures remembered at most. */
const mostRefusals = 1000;

export interface FillingParts {
  readonly folder: CacheFolder;
  readonly log: Log;
  /** Milliseconds without data after which a fill is given up. */
  readonly stallMs: number;
  /** Makes room for so many bytes, which are given back with `release`; false when there is none. */
  readonly reserve: (bytes: number) => Promise<boolean>;
  readonly release: (bytes: number) => void;
  /** Takes a new entry. */
  readonly keep: (entry: Entry) => Promise<void>;
}

interface Running {
  readonly digest: string;
  /** null: it cannot begin. */
  readonly begun: Promise<Fill | null>;
  /** Why it became no entry; null when it did. */
  readonly ended: Promise<Failure | null>;
}

export class Filling {
  readonly #parts: FillingParts;
  readonly #running = new Map<string, Running>();
  /** Image → until when, by `performance.now()`. */
  readonly #refused = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(parts: FillingParts) {
    this.#parts = parts;
  }

  /** The fill of the image, begun if there is none; null when it cannot be kept now. */
  async of(image: ImageFacts, origin: Origin): Promise<Fill | null> {
    return (await this.#begin(image, origin)?.begun) ?? null;
  }

  /** Resolves with null once the image is an entry, else with the reason it is none. */
  async whole(image: ImageFacts, origin: Origin): Promise<Failure | null> {
    const running = this.#begin(image, origin);
    if (running !== null) return await running.ended;
    return new Failure('store_unavailable', 'It failed a moment ago, or is being replaced.');
  }

  /** What is on its way becomes no entry. */
  async forget(id: string): Promise<void> {
    const fill = await this.#running.get(id)?.begun;
    if (fill) fill.unwanted = true;
  }

  async forgetAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.forget(id)));
  }

  async close(): Promise<void> {
    this.#closing.abort(new Failure('interrupted', 'The server stopped.'));
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #begin(image: ImageFacts, origin: Origin): Running | null {
    const known = this.#running.get(image.id);
    if (known !== undefined) return known.digest === image.digest ? known : null;
    if (this.#closing.signal.aborted || this.#isRefused(image.id)) return null;
    const begun = Promise.withResolvers<Fill | null>();
    const ended = this.#run(image, origin, begun.resolve);
    const running = { digest: image.digest, begun: begun.promise, ended };
    this.#running.set(image.id, running);
    return running;
  }

  async #run(image: ImageFacts, origin: Origin, begun: (fill: Fill | null) => void): Promise<Failure | null> {
    let isReserved = false;
    try {
      isReserved = await this.#parts.reserve(image.size);
      if (!isReserved) throw new Failure('store_full', 'The cache has no room for it.');
      await this.#fill(image, origin, begun);
      return null;
    } catch (cause) {
      this.#refuse(image.id);
      if (isReserved && !this.#closing.signal.aborted)
        this.#parts.log.warn({ err: cause, image: image.id }, 'an image could not be put into the cache');
      if (cause instanceof Failure) return cause;
      return new Failure('store_unavailable', 'The cache cannot be written to.', { cause });
    } finally {
      begun(null);
      this.#running.delete(image.id);
      if (isReserved) this.#parts.release(image.size);
    }
  }

  async #fill(image: ImageFacts, origin: Origin, begun: (fill: Fill) => void): Promise<void> {
    const { folder, stallMs, keep } = this.#parts;
    const draft = await folder.draft();
    const fill = new Fill(image, draft);
    try {
      const source = await origin(null);
      begun(fill);
      await fill.run(source, this.#closing.signal, stallMs);
      const entry = await folder.publish(draft, image);
      if (fill.unwanted) await folder.remove(entry.folder);
      else await keep(entry);
    } finally {
      await this.#discard(draft, fill);
    }
  }

  /** What has been published is not there any more. */
  async #discard(draft: Draft, fill: Fill): Promise<void> {
    await fill.leave();
    await this.#parts.folder.remove(draft.folder).catch((err) => {
      this.#parts.log.warn({ err }, 'an unfinished copy could not be removed: the next start does');
    });
  }

  #refuse(id: string): void {
    if (this.#refused.size >= mostRefusals) this.#refused.clear();
    this.#refused.set(id, performance.now() + refusalMs);
  }

  #isRefused(id: string): boolean {
    const until = this.#refused.get(id);
    if (until !== undefined && until <= performance.now()) this.#refused.delete(id);
    return this.#refused.has(id);
  }
}
