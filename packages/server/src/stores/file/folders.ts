/** A file store of several folders, each on a file system of its own: an object is in one of them, and stays there. */
import { stat } from 'node:fs/promises';
import { Failure } from '../../base/failure.ts';
import { checkKey } from '../keys.ts';
import type { ByteRange, KnownCapacity, LocalStore, Store, StoredObject } from '../store.ts';

export interface Folder {
  /** Where there is room in several, the highest is written to. */
  readonly priority: number;
  readonly store: LocalStore;
}

/**
 * No `urlOf`: where an object is only looking can tell. While a folder cannot be used the others can, and what is in none of
 * them may be in that one.
 */
export class FolderStore implements Store {
  readonly type = 'file';
  readonly isLocal = true;
  readonly id: string;
  readonly weight: number;
  readonly description: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  /** At least two, the highest priority first. */
  readonly #folders: readonly Folder[];
  /** Keys being put by this process: two folders would take one each. */
  readonly #taken = new Set<string>();

  constructor(folders: readonly Folder[]) {
    const [first] = folders;
    this.id = first!.store.id;
    this.weight = first!.store.weight;
    this.description = first!.store.description;
    this.#folders = folders.toSorted((one, other) => other.priority - one.priority);
    const paths = this.#folders.map(({ store }) => store.properties?.data_dir);
    this.properties = { ...first!.store.properties, data_dir: paths.join(', ') };
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
    expectedSize?: number,
  ): Promise<{ size: number }> {
    return await this.#taking(key, async () => {
      const folder = await this.#roomiest(expectedSize ?? 0);
      return await folder.put(key, body, signal);
    });
  }

  async putFile(
    key: string,
    path: string,
    judged: (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ size: number } | null> {
    return await this.#taking(key, async () => {
      const found = await stat(path).catch(() => null);
      if (found === null) return null;
      const folder = await this.#roomiest(found.size);
      return await folder.putFile!(key, path, judged, signal);
    });
  }

  async get(key: string, range?: ByteRange): Promise<AsyncIterableIterator<Uint8Array, undefined>> {
    return await this.#first(key, (store) => store.get(key, range));
  }

  async stat(key: string): Promise<{ size: number }> {
    return await this.#first(key, (store) => store.stat(key));
  }

  async fileOf(key: string): Promise<string> {
    return await this.#first(key, async (store) => {
      await store.stat(key);
      return store.pathOf(key);
    });
  }

  async delete(key: string): Promise<void> {
    const store = await this.#first(key, async (one) => {
      await one.stat(key);
      return one;
    }).catch((error) => {
      if (error instanceof Failure && error.code === 'not_found') return null;
      throw error;
    });
    if (store === null) checkKey(key);
    else await store.delete(key);
  }

  async *list(): AsyncGenerator<StoredObject> {
    for (const { store } of this.#folders) yield* store.list();
  }

  async sweep(): Promise<number> {
    const swept = await Promise.allSettled(this.#folders.map(({ store }) => store.sweep!()));
    const failed = swept.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return swept.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0);
  }

  async capacity(): Promise<KnownCapacity> {
    const each = await Promise.all(this.#folders.map(({ store }) => store.capacity()));
    const sum = (part: keyof KnownCapacity) => each.reduce((all, one) => all + one[part], 0);
    return { usedBytes: sum('usedBytes'), totalBytes: sum('totalBytes'), freeBytes: sum('freeBytes') };
  }

  async close(): Promise<void> {
    for (const { store } of this.#folders) await store.close();
  }

  /** `put` while nobody else puts this key. Fails with image_exists. */
  async #taking<T>(key: string, put: () => Promise<T>): Promise<T> {
    checkKey(key);
    if (this.#taken.has(key)) throw this.#exists(key);
    this.#taken.add(key);
    try {
      if ((await this.#find(key)) !== null) throw this.#exists(key);
      return await put();
    } finally {
      this.#taken.delete(key);
    }
  }

  /** Null: in no folder that can be used. */
  async #find(key: string): Promise<LocalStore | null> {
    for (const { store } of this.#folders) {
      const found = await store.stat(key).catch(() => null);
      if (found !== null) return store;
    }
    return null;
  }

  /** What `ask` gives of the folder that has the object; else fails as a folder that cannot be used, or with not_found. */
  async #first<T>(key: string, ask: (store: LocalStore) => Promise<T>): Promise<T> {
    let trouble: unknown = null;
    for (const { store } of this.#folders) {
      try {
        return await ask(store);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if (error.code === 'range_not_satisfiable') throw error;
        if (error.code !== 'not_found') trouble ??= error;
      }
    }
    throw trouble ?? new Failure('not_found', `Store ${this.id} has no object ${key}.`);
  }

  async #roomiest(bytes: number): Promise<LocalStore> {
    const rooms = await Promise.all(
      this.#folders.map(async ({ store, priority }) => {
        const free = await store.capacity().then(
          ({ freeBytes }) => freeBytes,
          () => null,
        );
        return { store, priority, free };
      }),
    );
    const usable = rooms.filter(({ free }) => free !== null);
    if (usable.length === 0)
      throw new Failure('store_unavailable', `No folder of store ${this.id} can be used now.`);
    const [best] = usable
      .filter(({ free }) => free! > bytes)
      .toSorted((one, other) => other.priority - one.priority || other.free! - one.free!);
    if (best === undefined)
      throw new Failure('store_full', `No folder of store ${this.id} has room for ${bytes} bytes.`);
    return best.store;
  }

  #exists(key: string): Failure {
    return new Failure('image_exists', `Store ${this.id} already has an object ${key}.`);
  }
}
