/** Puts the images that are queued into the cache of this node, one after the other. */
import { Failure } from '../../base/failure.ts';
import type { ImageCache } from '../../cache/cache.ts';
import { cacheable, openStored } from '../download.ts';
import { findImage } from '../image-records.ts';
import type { ImageParts } from '../parts.ts';

/** Milliseconds that an image stays queued at least. Glance: clients look for it in the queue before they wait. */
const settlingMs = 1000;
/** Milliseconds after which what failed is tried again. */
const retryMs = 60_000;

/** It would fail again. */
const final: ReadonlySet<string> = new Set(['store_full', 'digest_mismatch', 'size_mismatch']);

export class Prefetch {
  readonly #parts: Pick<ImageParts, 'database' | 'stores' | 'settings' | 'log'>;
  readonly #cache: ImageCache;
  #timers = new Set<NodeJS.Timeout>();
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: Pick<ImageParts, 'database' | 'stores' | 'settings' | 'log'>, cache: ImageCache) {
    this.#parts = parts;
    this.#cache = cache;
    cache.queue.watch(() => this.#workIn(settlingMs));
    this.#workIn(settlingMs);
  }

  /** After the cache was closed: waits for the one under way, whose row stays for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#working;
  }

  #workIn(ms: number): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#working = this.#working.then(() => this.#work());
    }, ms);
    this.#timers.add(timer);
  }

  async #work(): Promise<void> {
    try {
      for (const id of await this.#cache.queue.list(settlingMs)) {
        if (this.#closed) return;
        await this.#fetch(id);
      }
    } catch (err) {
      if (this.#closed) return;
      this.#parts.log.warn({ err }, 'a queued image could not be put into the cache: tried again soon');
      this.#workIn(retryMs);
    }
  }

  /** Fails when it is to be tried again. */
  async #fetch(id: string): Promise<void> {
    const { database, log } = this.#parts;
    const image = await findImage(database.db, id);
    const facts = image?.status === 'active' ? cacheable(image) : null;
    try {
      if (image !== undefined && facts !== null)
        await this.#cache.fetch(facts, (range) => openStored(this.#parts, { image, derived: null }, range));
    } catch (error) {
      if (!(error instanceof Failure && final.has(error.code))) throw error;
      log.error({ err: error, image: id }, 'a queued image cannot be put into the cache: it is given up');
    }
    await this.#cache.queue.remove(id);
  }
}
