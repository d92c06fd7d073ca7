/** Stores for what others keep, in the memory of the test, and for what others write into our files. */
import { Failure } from '../../packages/server/src/base/failure.ts';
import type { Store } from '../../packages/server/src/stores/store.ts';

/** What the rest of the world holds, by URL; a function is called by each reader. */
export type Web = Map<string, Buffer | { readonly size: number; read(): AsyncIterable<Uint8Array> }>;

/** A read-only store of it. */
export function webStore(web: Web): Store {
  const found = (key: string) => {
    const data = web.get(key);
    if (data === undefined) throw new Failure('store_unavailable', 'There is nothing.');
    return data;
  };
  async function* read(key: string, first: number, last: number): AsyncGenerator<Uint8Array, undefined> {
    const data = found(key);
    if (Buffer.isBuffer(data)) yield data.subarray(first, last + 1);
    else yield* data.read();
    return undefined;
  }
  const sizeOf = (key: string) => {
    const data = found(key);
    return Buffer.isBuffer(data) ? data.length : data.size;
  };
  return {
    id: 'web',
    type: 'web',
    weight: 5,
    description: null,
    readOnly: true,
    async put() {
      throw new Failure('store_read_only', 'Store web is read-only.');
    },
    get: async (key, range) => read(key, range?.first ?? 0, range?.last ?? sizeOf(key) - 1),
    stat: async (key) => ({ size: sizeOf(key) }),
    delete: async () => {},
    async *list() {},
    urlOf: (key) => key,
    keyOf: (url) => (/^https?:\/\//.test(url) ? url : null),
    close: async () => {},
  };
}

/** `files` as a store that other services write into, name objects of, and have cloned those that are named so. */
export function poolStore(files: Store): Store {
  return {
    id: 'pool',
    type: 'pool',
    weight: 0,
    description: null,
    put: (key, body, signal) => files.put(key, body, signal),
    get: (key, range) => files.get(key, range),
    stat: (key) => files.stat(key),
    delete: (key) => files.delete(key),
    isInUse: async (key) => key.startsWith('cloned'),
    list: () => files.list(),
    urlOf: (key) => `pool://here/${key}`,
    keyOf: (url) => /^pool:\/\/here\/([\w.-]+)$/.exec(url)?.[1] ?? null,
    close: () => files.close(),
  };
}
