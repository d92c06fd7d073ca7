/** The swift store: each object one object of a container, or of one of several, large ones made of segments in another. */
import { Failure } from '../../base/failure.ts';
import { openReader } from '../open-reader.ts';
import type { ByteRange, Store, StoreCapacity, StoredObject } from '../store.ts';
import { Account } from './account.ts';
import { keyAt, keyOfNew, type Spot, segmentsOf, spotOf } from './containers.ts';
import { told } from './errors.ts';
import { accountOfSwiftStore, type SwiftStoreOptions } from './options.ts';
import { removeSegments, upload } from './upload.ts';

/** When the segments of other processes, which may be dead, are removed. */
interface SweepRules {
  /** Milliseconds without a new segment after which an upload without an object is abandoned. */
  readonly abandonedMs: number;
  /** Milliseconds between looking for such. */
  readonly everyMs: number;
}

const hourMs = 60 * 60 * 1000;
const usual: SweepRules = { abandonedMs: 24 * hourMs, everyMs: hourMs };

/**
 * Makes the containers. Fails with bad_request when the settings make no sense together, with store_unavailable when Swift says that they cannot be used; if it does not answer now,
 * it may do so later.
 */
export async function openSwiftStore(
  options: SwiftStoreOptions,
  rules: Partial<SweepRules> = {},
): Promise<Store> {
  if (options.redirectSeconds > 0 && options.temporaryUrlKey === null)
    throw new Failure('bad_request', `Store ${options.id}: redirectSeconds needs temporaryUrlKey.`);
  const store = new SwiftStore(options, { ...usual, ...rules });
  try {
    await store.prepare();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class SwiftStore implements Store {
  readonly type = 'swift';
  readonly id: string;
  readonly weight: number;
  readonly description: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly #options: SwiftStoreOptions;
  readonly #rules: SweepRules;
  readonly #account: Account;
  readonly #base: string;
  /** Keys being put by this process: of two at the same moment Swift would take both. */
  readonly #taken = new Set<string>();
  readonly #underWay = new Set<string>();
  readonly #leftovers = new Map<string, string>();
  /** Uploads that an object is made of: they need not be looked at again. */
  readonly #finished = new Set<string>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: SwiftStoreOptions, rules: SweepRules) {
    this.id = options.id;
    this.weight = options.weight;
    this.description = options.description;
    this.#options = options;
    this.#rules = rules;
    this.#account = new Account(options);
    // Glance: the scheme tells whether the authentication speaks TLS. Unlike there, no credentials.
    const scheme = options.authUrl.startsWith('http:') ? 'swift+http' : 'swift+https';
    this.#base = `${scheme}://${accountOfSwiftStore(options)}/`;
    this.properties = {
      container: options.container,
      large_object_size: options.segmentSize,
      large_object_chunk_size: options.segmentSize,
    };
  }

  async prepare(): Promise<void> {
    await this.#account.prepare();
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<{ size: number }> {
    const at = spotOf(this.#options, key);
    const exists = () => new Failure('image_exists', `Store ${this.id} already has an object ${key}.`);
    if (this.#taken.has(key)) throw exists();
    this.#taken.add(key);
    try {
      await this.#account.prepare(at.container);
      if ((await this.#account.head(at)) !== null) throw exists();
      const here = { underWay: this.#underWay, leftovers: this.#leftovers };
      return await upload({ ...here, account: this.#account, options: this.#options, at }, body, signal);
    } catch (error) {
      // Somebody may have removed it.
      this.#account.forget(at.container);
      throw error;
    } finally {
      this.#taken.delete(key);
    }
  }

  async get(key: string, range?: ByteRange): Promise<AsyncIterableIterator<Uint8Array, undefined>> {
    const at = spotOf(this.#options, key);
    const stallMs = this.#options.idleTimeout * 1000;
    return await openReader(
      { storeId: this.id, key, stallMs, told, ask: (...asked) => this.#account.get(at, ...asked) },
      range,
    );
  }

  async stat(key: string): Promise<{ size: number }> {
    const found = await this.#account.head(spotOf(this.#options, key));
    if (found === null) throw this.#missing(key);
    return { size: found.size };
  }

  async signedUrlOf(key: string): Promise<string | null> {
    const at = spotOf(this.#options, key);
    return this.#options.redirectSeconds === 0 ? null : await this.#account.signedUrlOf(at);
  }

  async delete(key: string): Promise<void> {
    await this.#account.delete(spotOf(this.#options, key));
  }

  async *list(): AsyncGenerator<StoredObject> {
    for await (const container of this.#account.containers())
      for await (const { name = '', bytes, last_modified } of this.#account.list(container, '', '')) {
        const key = keyAt(this.#options, { container, name });
        const storedAt = last_modified === undefined ? new Date() : new Date(`${last_modified}Z`);
        if (key !== null) yield { key, size: bytes ?? 0, storedAt };
      }
  }

  keyFor(name: string, project: string | null): string {
    return keyOfNew(this.#options, name, project);
  }

  urlOf(key: string): string {
    const { container, name } = spotOf(this.#options, key);
    return `${this.#base}${encodeURIComponent(container)}/${name}`;
  }

  keyOf(url: string): string | null {
    if (!url.startsWith(this.#base)) return null;
    const [container = '', name = '', ...more] = url.slice(this.#base.length).split('/');
    const key = more.length > 0 ? null : keyAt(this.#options, { container: decoded(container), name });
    return key !== null && this.urlOf(key) === url ? key : null;
  }

  async sweep(): Promise<number> {
    let removed = 0;
    for (const [name, container] of this.#leftovers) {
      if ((await removeSegments(this.#account, { container, name })) > 0) removed += 1;
      this.#leftovers.delete(name);
    }
    return removed + (await this.#sweepAbandoned());
  }

  async capacity(): Promise<StoreCapacity> {
    return await this.#account.capacity();
  }

  async probe(): Promise<void> {
    await this.#account.check();
  }

  async close(): Promise<void> {
    await this.#account.close();
  }

  async #sweepAbandoned(): Promise<number> {
    if (performance.now() - this.#sweptAt < this.#rules.everyMs) return 0;
    let removed = 0;
    for await (const container of this.#account.containers()) removed += await this.#sweepIn(container);
    this.#sweptAt = performance.now();
    return removed;
  }

  async #sweepIn(container: string): Promise<number> {
    let removed = 0;
    const segments = segmentsOf(container);
    for await (const { subdir } of this.#account.list(segments, '', '/')) {
      if (subdir === undefined) continue;
      for await (const { subdir: upload } of this.#account.list(segments, subdir, '/')) {
        const name = upload?.slice(0, -1) ?? '';
        const at = { container, name: name.slice(subdir.length) };
        if (keyAt(this.#options, at) === null || !(await this.#isAbandoned(name, at))) continue;
        await removeSegments(this.#account, { container, name });
        removed += 1;
      }
    }
    return removed;
  }

  /** Whether another process still sends its segments only their age can tell. */
  async #isAbandoned(name: string, at: Spot): Promise<boolean> {
    if (this.#underWay.has(name) || this.#finished.has(name)) return false;
    const before = Date.now() - this.#rules.abandonedMs;
    for await (const { last_modified } of this.#account.list(segmentsOf(at.container), `${name}/`, ''))
      if (last_modified === undefined || Date.parse(`${last_modified}Z`) > before) return false;
    const found = await this.#account.head(at);
    if (found?.upload !== name) return true;
    this.#finished.add(name);
    return false;
  }

  #missing(key: string): Failure {
    return new Failure('not_found', `Store ${this.id} has no object ${key}.`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
