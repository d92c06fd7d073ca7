/** What this node shall put into its cache. It outlives the process. */
import type { Database } from '../database/connect.ts';
import { queuedImages, queueImage, unqueueImages } from './cache-records.ts';

export class CacheQueue {
  readonly #database: Database;
  readonly #node: string;
  #added: () => void = () => {};

  constructor(database: Database, node: string) {
    this.#database = database;
    this.#node = node;
  }

  /** `added` is called whenever an image was. */
  watch(added: () => void): void {
    this.#added = added;
  }

  /** Nothing happens when it is queued already. */
  async add(id: string): Promise<void> {
    await queueImage(this.#database, this.#node, id);
    this.#added();
  }

  /** Ids of those that were queued `ageMs` ago or earlier, oldest first. */
  async list(ageMs = 0): Promise<string[]> {
    return await queuedImages(this.#database, this.#node, ageMs);
  }

  /** False when it was not queued. */
  async remove(id: string): Promise<boolean> {
    return (await unqueueImages(this.#database, this.#node, id)) > 0;
  }

  /** Resolves with how many there were. */
  async clear(): Promise<number> {
    return await unqueueImages(this.#database, this.#node, null);
  }
}
