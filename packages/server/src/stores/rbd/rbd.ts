/** The rbd store: each object one image of a pool, with a protected snapshot that volumes can be cloned from. */
import { Failure } from '../../base/failure.ts';
import { checkKey, isKey } from '../keys.ts';
import { PooledReader } from '../pooled-reader.ts';
import type { ByteRange, Store, StoreCapacity, StoredObject } from '../store.ts';
import { Cluster } from './cluster.ts';
import { snapshot } from './commands/image.ts';
import { isDefinite, told } from './errors.ts';
import type { Library } from './library.ts';
import type { RbdStoreOptions } from './options.ts';
import { Trash, type TrashRules } from './trash.ts';
import { upload } from './upload.ts';

const mebi = 1024 * 1024;

/** Images looked at in one go. */
const batch = 16;

/**
 * Fails with store_unavailable when the libraries are not there, and when the cluster says that there is no such pool for us. A
 * cluster that does not answer now may do so later, provided that its configuration names its fsid.
 */
export async function openRbdStore(
  options: RbdStoreOptions,
  rules: Partial<TrashRules> = {},
): Promise<Store> {
  const cluster = new Cluster(options, await loadedLibrary(options.id));
  try {
    const fsid = await learnFsid(options, cluster);
    return new RbdStore(options, cluster, new Trash(cluster, rules), fsid);
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

/** Only who has such a store needs them. */
async function loadedLibrary(id: string): Promise<Library> {
  try {
    const { loadLibrary } = await import('./library.ts');
    return loadLibrary();
  } catch (cause) {
    const isKoffi = /koffi/i.test(String(cause));
    const missing = isKoffi
      ? 'koffi has no binary for this system, or it was not installed'
      : 'librados.so.2 or librbd.so.1 is missing or too old: install the client libraries of Ceph (Debian: librados2, librbd1)';
    throw new Failure('store_unavailable', `Store ${id}: ${missing}.`, { cause });
  }
}

async function learnFsid({ id, pool, user }: RbdStoreOptions, cluster: Cluster): Promise<string> {
  try {
    return await cluster.fsid();
  } catch (error) {
    const cannot = `Store ${id}: pool ${pool} cannot be used by ${user}`;
    if (isDefinite(error))
      throw new Failure('store_unavailable', `${cannot} (${(error as Error).message}).`, { cause: error });
    const fsid = await cluster.configuredFsid();
    if (fsid !== null) return fsid;
    throw new Failure(
      'store_unavailable',
      `${cannot}: the cluster does not answer, and confFile has no fsid.`,
      {
        cause: error,
      },
    );
  }
}

class RbdStore implements Store {
  readonly type = 'rbd';
  readonly id: string;
  readonly weight: number;
  readonly description: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly #options: RbdStoreOptions;
  readonly #cluster: Cluster;
  readonly #trash: Trash;
  readonly #base: string;

  constructor(options: RbdStoreOptions, cluster: Cluster, trash: Trash, fsid: string) {
    this.id = options.id;
    this.weight = options.weight;
    this.description = options.description;
    this.#options = options;
    this.#cluster = cluster;
    this.#trash = trash;
    this.#base = `rbd://${fsid}/${encodeURIComponent(options.pool)}/`;
    this.properties = {
      fsid,
      pool: options.pool,
      chunk_size: options.objectSize * mebi,
      thin_provisioning: options.thin,
    };
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
    expectedSize?: number,
  ): Promise<{ size: number }> {
    checkKey(key);
    const target = { cluster: this.#cluster, options: this.#options, name: key, expectedSize };
    return await upload(target, body, signal);
  }

  async get(key: string, range?: ByteRange): Promise<PooledReader> {
    checkKey(key);
    const found = await this.#asked(this.#cluster.open(key));
    if (found === null) throw this.#missing(key);
    const { image, size } = found;
    const { first, last } = range ?? { first: 0, last: size - 1 };
    if (first < 0 || last >= size || (range !== undefined && first > last)) {
      await this.#cluster.closeImage(image).catch(() => {});
      throw new Failure('range_not_satisfiable', `The object has ${size} bytes.`);
    }
    return new PooledReader({
      first,
      length: last - first + 1,
      mostAhead: 3,
      read: (buffer, position) => this.#cluster.read(image, position, buffer),
      close: () => this.#cluster.closeImage(image).catch(() => {}),
      told: (error) => this.#told(error),
    });
  }

  async stat(key: string): Promise<{ size: number }> {
    checkKey(key);
    const found = await this.#asked(this.#cluster.ask('describeImage', [key]));
    if (found === null) throw this.#missing(key);
    return { size: found.size };
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#asked(this.#trash.bury(key));
  }

  async isInUse(key: string): Promise<boolean> {
    checkKey(key);
    if (this.#options.whenCloned === 'defer') return false;
    return await this.#asked(this.#cluster.ask('isCloned', [key]));
  }

  async *list(): AsyncGenerator<StoredObject> {
    const keys = (await this.#asked(this.#cluster.ask('listNames', []))).filter(isKey);
    for (let at = 0; at < keys.length; at += batch) {
      const some = keys.slice(at, at + batch).map(async (key) => {
        const found = await this.#cluster.ask('describeImage', [key]);
        return found && { key, size: found.size, storedAt: new Date(found.sealedAt) };
      });
      for (const object of await this.#asked(Promise.all(some))) if (object !== null) yield object;
    }
  }

  urlOf(key: string): string {
    return `${this.#base}${key}/${snapshot}`;
  }

  keyOf(url: string): string | null {
    const end = `/${snapshot}`;
    if (!url.startsWith(this.#base) || !url.endsWith(end)) return null;
    const key = url.slice(this.#base.length, -end.length);
    return isKey(key) ? key : null;
  }

  async sweep(): Promise<number> {
    return await this.#asked(this.#trash.empty());
  }

  async capacity(): Promise<StoreCapacity> {
    return await this.#asked(this.#cluster.room());
  }

  async probe(): Promise<void> {
    await this.#asked(this.#cluster.ask('probe', []));
  }

  async close(): Promise<void> {
    await this.#trash.settle();
    await this.#cluster.close();
  }

  async #asked<T>(work: Promise<T>): Promise<T> {
    return await work.catch((error) => {
      throw this.#told(error);
    });
  }

  #missing(key: string): Failure {
    return new Failure('not_found', `Store ${this.id} has no object ${key}.`);
  }

  #told(error: unknown): unknown {
    return told(error, this.id);
  }
}
