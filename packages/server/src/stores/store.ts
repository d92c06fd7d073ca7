/** The promise every store driver makes; `store.contract.ts` checks it for each of them. */

/** Inclusive byte positions, as in `Range: bytes=first-last`; `last` is below the object's size. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

export interface StoreCapacity {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/**
 * Keys are made by the caller from `[A-Za-z0-9._-]`, 1 to 128 characters, not starting with a dot;
 * anything else is not_found before it reaches the medium, unless `keyOf` gave it. An object is written
 * once and never changed.
 */
export interface Store {
  readonly id: string;
  readonly type: string;
  /** Where reading has a choice, the highest is tried first. */
  readonly weight: number;
  readonly description: string | null;
  /** Holds what others keep: `put` fails with store_read_only, and `delete` and `list` have nothing to do. */
  readonly readOnly?: true;
  /** Of its settings, what operators and other services are shown; never a secret. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;

  /**
   * Writes `body` under `key` and resolves with the bytes written once they are durable; no other call
   * sees the object before it is whole. If `body` throws or `signal` aborts, nothing is left under `key`
   * and that error is thrown; an abort does not wait for a `body` that is silent. A chunk of `body` is
   * not used any more once the next one is asked for, so that what `get` yields can be put elsewhere.
   * Fails with store_full, store_unavailable, or image_exists when the key is taken.
   */
  put(key: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<{ size: number }>;

  /**
   * Yields the object's bytes, or those of `range`, in order. A yielded chunk is valid only until the
   * next is asked for; the last one of a consumer that leaves early stays valid. Ends exactly after the
   * last byte; fewer bytes than recorded is store_unavailable. Fails before the first chunk with
   * not_found when there is no such object, or range_not_satisfiable. The object stays open until the
   * last chunk was taken or the iterator's `return` was called: who does not read must call it.
   */
  get(key: string, range?: ByteRange): Promise<AsyncIterableIterator<Uint8Array, undefined>>;

  /** Fails with not_found. */
  stat(key: string): Promise<{ size: number }>;

  /** Removes the object, durably; an object that is not there is fine. Readers that began keep reading. */
  delete(key: string): Promise<void>;

  /** Every finished object, in no order. */
  list(): AsyncIterable<StoredObject>;

  /** The location URL of the object as clients of the API expect it; no credentials. Touches no medium. */
  urlOf?(key: string): string;

  /**
   * The key of the object that `url` names in this store, whether or not it exists; null when `url` names
   * none that clients may register. Touches no medium.
   */
  keyOf?(url: string): string | null;

  /** Removes what unfinished puts of dead processes left; not those of live ones. Resolves with the count. */
  sweep?(): Promise<number>;

  capacity?(): Promise<StoreCapacity>;

  close(): Promise<void>;
}
