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
  /** When it became whole, by the clock of the medium. */
  readonly storedAt: Date;
}

/** Of what bounds the store, perhaps together with others: a disk, a pool, a quota. null: the medium does not tell. */
export interface StoreCapacity {
  /** That count against the total. */
  readonly usedBytes: number | null;
  readonly totalBytes: number | null;
  /** That can still be put, as far as is known; at most the total. */
  readonly freeBytes: number | null;
}

export const unknownCapacity: StoreCapacity = { usedBytes: null, totalBytes: null, freeBytes: null };

export type KnownCapacity = { readonly [Part in keyof StoreCapacity]: number };

/**
 * Keys are made by the caller from `[A-Za-z0-9._-]`, 1 to 128 characters, not starting with a dot;
 * anything else is not_found before it reaches the medium, unless `keyOf` or `keyFor` gave it. An object is written
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
  /** On a file system of this machine, which the kernel reads as it was written: no service lies between. */
  readonly isLocal?: true;
  /** Of its settings, what operators and other services are shown; never a secret. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;

  /**
   * Writes `body` under `key` and resolves with the bytes written once they are durable; no other call
   * sees the object before it is whole. If `body` throws or `signal` aborts, nothing is left under `key`
   * and that error is thrown; an abort does not wait for a `body` that is silent. A chunk of `body` is
   * not used any more once the next one is asked for, so that what `get` yields can be put elsewhere.
   * Fails with store_full, store_unavailable, or image_exists when the key is taken. `expectedSize`: the bytes that
   * are to come, for a store that has a choice of places.
   */
  put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
    expectedSize?: number,
  ): Promise<{ size: number }>;

  /**
   * As `put`, of the file of this machine at `path`, which the kernel copies, or shares the blocks of: its bytes do not pass
   * through this process, and its holes stay holes. What `judged` makes of the bytes that the store has then is read to its
   * end before anybody else sees them; what it throws is thrown, and nothing is left. Null, with nothing read: the kernel cannot
   * do that with this file, so `put` it.
   */
  putFile?(
    key: string,
    path: string,
    judged: (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ size: number } | null>;

  /**
   * Yields the object's bytes, or those of `range`, in order. A yielded chunk is valid only until the
   * next is asked for; the last one of a consumer that leaves early stays valid. Ends exactly after the
   * last byte; fewer bytes than recorded is store_unavailable. Fails before the first chunk with
   * not_found when there is no such object, or range_not_satisfiable. The object stays open until the
   * last chunk was taken or the iterator's `return` was called: who does not read must call it. One that is
   * deleted meanwhile is read to its end; of one in many pieces, as Swift keeps large objects, those not yet begun
   * may be gone, which is store_unavailable.
   */
  get(key: string, range?: ByteRange): Promise<AsyncIterableIterator<Uint8Array, undefined>>;

  /** Fails with not_found. */
  stat(key: string): Promise<{ size: number }>;

  /** The absolute path of a file on this machine that is exactly the object, if it is there, for a web server to send. */
  fileOf?(key: string): Promise<string>;

  /**
   * A URL at which whoever has it can read exactly the object, whole or in ranges, for a short time and without a header;
   * null: the operator wants nobody sent to this store. Does not look whether the object is there. Fails with store_unavailable.
   */
  signedUrlOf?(key: string): Promise<string | null>;

  /** Removes the object, durably; an object that is not there is fine. Readers that began keep reading. */
  delete(key: string): Promise<void>;

  /** Whether something was made of the object that needs it: then it is not to be deleted. */
  isInUse?(key: string): Promise<boolean>;

  /** Every finished object, in no order. */
  list(): AsyncIterable<StoredObject>;

  /**
   * The key under which to put what would be `name`, which begins with the id of an image of this project, for a store that keeps some
   * apart from others; null: of no project. Touches no medium.
   */
  keyFor?(name: string, project: string | null): string;

  /** The location URL of the object as clients of the API expect it; no credentials. Touches no medium. */
  urlOf?(key: string): string;

  /**
   * The key of the object that `url` names in this store, whether or not it exists; null when `url` names
   * none that clients may register. Touches no medium.
   */
  keyOf?(url: string): string | null;

  /**
   * Removes what unfinished puts of dead processes left, not those of live ones, and what still takes room though it was
   * deleted. Resolves with the count.
   */
  sweep?(): Promise<number>;

  /** Fails with store_unavailable. Keeps no other call waiting. Not there: nothing can be put, so there is no room to speak of. */
  capacity?(): Promise<StoreCapacity>;

  /** Where `capacity` does not tell as much: fails with store_unavailable unless the store can be used now. */
  probe?(): Promise<void>;

  close(): Promise<void>;
}

/** A store in a folder of this machine: programs can read and write its objects. */
export interface LocalStore extends Store {
  /**
   * As `put`, but that `write` fills the file at the path that it is given, which is empty. What it does after it has
   * resolved counts for nothing.
   */
  make(key: string, write: (path: string) => Promise<void>): Promise<{ size: number }>;

  /** Calls `work` with the path of an empty file, which is gone afterwards, however this process ends. */
  scratch<T>(work: (path: string) => Promise<T>): Promise<T>;

  capacity(): Promise<KnownCapacity>;

  /** Of a file that is only to be read, and is there when the object is. */
  pathOf(key: string): string;
}
