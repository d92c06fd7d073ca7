/** The http store: objects on web servers of others, each named by its URL. Only read: nothing there is ours. */

import { Failure } from '../../base/failure.ts';
import { Fetcher, type FetchLimits } from '../../base/fetch/fetcher.ts';
import type { ByteRange, Store, StoredObject } from '../store.ts';
import { missing, told } from './errors.ts';
import type { HttpStoreOptions } from './options.ts';

/** Fails with bad_request when the file with the authorities cannot be used. */
export async function openHttpStore(
  options: HttpStoreOptions,
  limits?: Partial<FetchLimits>,
): Promise<Store> {
  return new HttpStore(options, limits);
}

class HttpStore implements Store {
  readonly type = 'http';
  readonly readOnly = true;
  readonly id: string;
  readonly weight: number;
  readonly description: string | null;
  readonly #fetcher: Fetcher;

  constructor(
    { id, type: _, weight, description, ...rules }: HttpStoreOptions,
    limits?: Partial<FetchLimits>,
  ) {
    this.id = id;
    this.weight = weight;
    this.description = description;
    this.#fetcher = new Fetcher(rules, limits);
  }

  async put(_key: string, body: AsyncIterable<Uint8Array>): Promise<never> {
    await body[Symbol.asyncIterator]().return?.();
    throw new Failure('store_read_only', `Store ${this.id} is read-only.`);
  }

  /** A range of a source that knows none is cut out of the whole on its way: right, but as slow as the whole. */
  async get(key: string, range?: ByteRange): Promise<AsyncIterableIterator<Uint8Array, undefined>> {
    this.#checkKey(key);
    try {
      const { body } =
        range === undefined
          ? await this.#fetcher.open(key, { cap: Number.POSITIVE_INFINITY })
          : await this.#fetcher.openRange(key, range);
      return this.#telling(body);
    } catch (error) {
      throw told(error, this.id);
    }
  }

  /**
   * Besides not_found, fails with what `Fetcher` fails with, since it is asked when a user gives a URL and should
   * learn what is wrong with it; and with source_size_unknown.
   */
  async stat(key: string): Promise<{ size: number }> {
    this.#checkKey(key);
    const { size } = await this.#fetcher.look(key).catch((error) => {
      throw missing(error, this.id) ?? error;
    });
    if (size === null)
      throw new Failure('source_size_unknown', 'The source does not tell the size of its data.');
    return { size };
  }

  /** Nothing is ours to delete. */
  async delete(): Promise<void> {}

  async *list(): AsyncGenerator<StoredObject> {}

  urlOf(key: string): string {
    return key;
  }

  keyOf(url: string): string | null {
    try {
      this.#fetcher.check(url);
      return url;
    } catch {
      return null;
    }
  }

  async close(): Promise<void> {}

  #checkKey(key: string): void {
    if (!/^https?:\/\//i.test(key)) throw new Failure('not_found', `Store ${this.id} has no such object.`);
  }

  #telling(body: AsyncIterableIterator<Uint8Array, undefined>): AsyncIterableIterator<Uint8Array, undefined> {
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () =>
        body.next().catch((error) => {
          throw told(error, this.id);
        }),
      return: () => body.return!(),
    };
  }
}
