/** The s3 store: each object one object of a bucket, named by prefix and key. */
import { Failure } from '../../base/failure.ts';
import { checkKey, isKey } from '../keys.ts';
import { openReader } from '../open-reader.ts';
import type { ByteRange, Store, StoreCapacity, StoredObject } from '../store.ts';
import { Bucket } from './bucket.ts';
import { isDefinite, told } from './errors.ts';
import { hostOfS3Store, type S3StoreOptions } from './options.ts';
import { type Leftovers, upload } from './upload.ts';

/** When the uploads of other processes, which may be dead, are taken back. */
interface SweepRules {
  /** Milliseconds without a new part after which an upload is abandoned. */
  readonly abandonedMs: number;
  /** Milliseconds between looking for such. */
  readonly everyMs: number;
}

const hourMs = 60 * 60 * 1000;
const usual: SweepRules = { abandonedMs: 24 * hourMs, everyMs: hourMs };

/**
 * Fails with bad_request when the settings make no sense together, and with store_unavailable when the server says that there is
 * no such bucket for us. A server that does not answer now may do so later.
 */
export async function openS3Store(options: S3StoreOptions, rules: Partial<SweepRules> = {}): Promise<Store> {
  if ((options.accessKey === null) !== (options.secretKey === null))
    throw new Failure('bad_request', `Store ${options.id}: accessKey and secretKey belong together.`);
  const store = new S3Store(options, { ...usual, ...rules });
  try {
    await store.prepare();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class S3Store implements Store {
  readonly type = 's3';
  readonly id: string;
  readonly weight: number;
  readonly description: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly #options: S3StoreOptions;
  readonly #rules: SweepRules;
  readonly #bucket: Bucket;
  /** Keys being put by this process: not every server refuses a second object under a name. */
  readonly #taken = new Set<string>();
  readonly #leftovers: Leftovers = new Map();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: S3StoreOptions, rules: SweepRules) {
    this.#rules = rules;
    this.id = options.id;
    this.weight = options.weight;
    this.description = options.description;
    this.#options = options;
    this.#bucket = new Bucket(options);
    this.properties = {
      s3_store_large_object_size: options.partSize,
      s3_store_large_object_chunk_size: options.partSize,
      s3_store_thread_pools: options.partsAtOnce,
    };
  }

  async prepare(): Promise<void> {
    await this.#bucket.check().catch((error) => {
      if (!(error instanceof Failure) || !isDefinite(error.cause)) return;
      const { bucket, id } = this.#options;
      throw new Failure('store_unavailable', `Store ${id}: bucket ${bucket} cannot be used.`, {
        cause: error,
      });
    });
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<{ size: number }> {
    checkKey(key);
    if (this.#taken.has(key)) throw this.#exists(key);
    this.#taken.add(key);
    try {
      if ((await this.#bucket.head(this.#nameOf(key))) !== null) throw this.#exists(key);
      const place = { bucket: this.#bucket, sizes: this.#options, leftovers: this.#leftovers };
      return await upload({ ...place, name: this.#nameOf(key) }, body, signal);
    } finally {
      this.#taken.delete(key);
    }
  }

  async get(key: string, range?: ByteRange): Promise<AsyncIterableIterator<Uint8Array, undefined>> {
    checkKey(key);
    const name = this.#nameOf(key);
    const stallMs = this.#options.idleTimeout * 1000;
    return await openReader(
      { storeId: this.id, key, stallMs, told, ask: (...asked) => this.#bucket.get(name, ...asked) },
      range,
    );
  }

  async stat(key: string): Promise<{ size: number }> {
    checkKey(key);
    const found = await this.#bucket.head(this.#nameOf(key));
    if (found === null) throw this.#missing(key);
    return found;
  }

  async signedUrlOf(key: string): Promise<string | null> {
    checkKey(key);
    return this.#options.redirectSeconds === 0 ? null : await this.#bucket.signedUrlOf(this.#nameOf(key));
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await this.#bucket.delete(this.#nameOf(key));
  }

  async *list(): AsyncGenerator<StoredObject> {
    for await (const { name, ...facts } of this.#bucket.list(this.#options.prefix)) {
      const key = name.slice(this.#options.prefix.length);
      if (isKey(key)) yield { key, ...facts };
    }
  }

  urlOf(key: string): string {
    return `${this.#base}${key}`;
  }

  keyOf(url: string): string | null {
    const key = url.startsWith(this.#base) ? url.slice(this.#base.length) : '';
    return isKey(key) ? key : null;
  }

  async sweep(): Promise<number> {
    let removed = 0;
    for (const [upload, name] of this.#leftovers) {
      await this.#bucket.abortUpload(name, upload);
      this.#leftovers.delete(upload);
      removed += 1;
    }
    return removed + (await this.#sweepAbandoned());
  }

  /** Whether another process still sends its parts only their age can tell. */
  async #sweepAbandoned(): Promise<number> {
    if (performance.now() - this.#sweptAt < this.#rules.everyMs) return 0;
    const before = Date.now() - this.#rules.abandonedMs;
    let removed = 0;
    for await (const { key, upload, begun } of this.#bucket.unfinished(this.#options.prefix)) {
      if (begun.getTime() > before || !isKey(key.slice(this.#options.prefix.length))) continue;
      const last = await this.#bucket.lastPart(key, upload);
      if (last !== null && last.getTime() > before) continue;
      await this.#bucket.abortUpload(key, upload);
      removed += 1;
    }
    this.#sweptAt = performance.now();
    return removed;
  }

  async capacity(): Promise<StoreCapacity> {
    return await this.#bucket.capacity();
  }

  async probe(): Promise<void> {
    await this.#bucket.check();
  }

  async close(): Promise<void> {
    this.#bucket.close();
  }

  /** Glance: the scheme tells whether the endpoint speaks TLS. Unlike there, no credentials. */
  get #base(): string {
    const { endpoint, bucket, prefix } = this.#options;
    const scheme = endpoint?.startsWith('http:') ? 's3' : 's3+https';
    return `${scheme}://${hostOfS3Store(this.#options)}/${bucket}/${prefix}`;
  }

  #nameOf(key: string): string {
    return `${this.#options.prefix}${key}`;
  }

  #exists(key: string): Failure {
    return new Failure('image_exists', `Store ${this.id} already has an object ${key}.`);
  }

  #missing(key: string): Failure {
    return new Failure('not_found', `Store ${this.id} has no object ${key}.`);
  }
}
