/** Keeps the records of a node's entries: what changed is written down in one go, and again should that fail. */
import type { Database } from '../database/connect.ts';
import { type CachedImage, cachedImages, recordCached } from './cache-records.ts';
import type { Entry } from './entry.ts';

/** Rows written in one transaction. */
const batch = 500;

export class CacheBook {
  readonly #database: Database;
  readonly #node: string;
  readonly #hurry: () => void;
  readonly #changed = new Map<string, Entry>();
  readonly #gone = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  /** `hurry` is called when others should soon know: of what comes and goes. */
  constructor(database: Database, node: string, hurry: () => void) {
    this.#database = database;
    this.#node = node;
    this.#hurry = hurry;
  }

  /** What was written down before; those that `has` does not know are struck out with the next `write`. */
  async read(has: (id: string) => boolean): Promise<CachedImage[]> {
    const rows = await cachedImages(this.#database, this.#node);
    for (const { image_id } of rows) if (!has(image_id)) this.#gone.add(image_id);
    return rows.filter(({ image_id }) => has(image_id));
  }

  add(entry: Entry): void {
    this.note(entry);
    this.#hurry();
  }

  /** It was read. */
  note(entry: Entry): void {
    this.#gone.delete(entry.image.id);
    this.#changed.set(entry.image.id, entry);
  }

  strike(id: string): void {
    this.#changed.delete(id);
    this.#gone.add(id);
    this.#hurry();
  }

  /** Resolves when everything noted before is in the database. */
  async write(): Promise<void> {
    const writing = this.#writing.then(() => this.#write());
    this.#writing = writing.catch(() => undefined);
    await writing;
  }

  async #write(): Promise<void> {
    while (this.#changed.size > 0 || this.#gone.size > 0) {
      const changed = [...this.#changed.values()].slice(0, batch);
      const gone = [...this.#gone];
      for (const { image } of changed) this.#changed.delete(image.id);
      this.#gone.clear();
      try {
        await recordCached(this.#database, this.#node, changed.map(rowOf), gone);
      } catch (error) {
        // What was noted meanwhile is newer.
        for (const id of gone) if (!this.#changed.has(id)) this.#gone.add(id);
        for (const entry of changed)
          if (!this.#gone.has(entry.image.id)) this.#changed.set(entry.image.id, entry);
        throw error;
      }
    }
  }
}

export function rowOf({ image, hits, cachedAt, readAt }: Entry): CachedImage {
  return { image_id: image.id, size: image.size, hits, cached_at: cachedAt, read_at: readAt };
}
