/** The contract of a store that holds what others keep: it changes nothing and claims nothing. */
import assert from 'node:assert/strict';
import { collect, slice, stream } from './bytes.ts';
import { type Cases, freshKey, listedKeys, rejectsWith } from './cases.ts';

export const readOnlyCases: Cases = {
  'it says so, and stat tells sizes': async (store, made) => {
    assert.equal(store.readOnly, true);
    assert.equal(store.capacity, undefined, 'there is no room to put anything into');
    for (const size of [0, 1, 200_001]) assert.deepEqual(await store.stat(await made(size)), { size });
  },
  'a put is refused, and its source closed': async (store) => {
    const source = stream(1, 10);
    await rejectsWith(store.put(freshKey(), source), 'store_read_only');
    assert.deepEqual(await source.next(), { value: undefined, done: true });
  },
  'a put does not touch an object that is there': async (store, made) => {
    const key = await made(100);
    await rejectsWith(store.put(key, stream(2, 10)), 'store_read_only');
    assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 100));
  },
  'a delete leaves the object where it is': async (store, made) => {
    const key = await made(100);
    await store.delete(key);
    await store.delete(freshKey());
    assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 100));
  },
  'nothing is listed, for nothing may be taken for an orphan': async (store, made) => {
    await made(100);
    assert.deepEqual(await listedKeys(store), []);
  },
  'a URL and its key lead to each other': async (store, made) => {
    const key = await made(1);
    assert.equal(store.keyOf?.(store.urlOf?.(key) ?? ''), key);
    for (const url of ['', 'x', 'file:///etc/passwd', 'swift+config://x/y', 'rbd://a/b/c/d', '://', 'a:b'])
      assert.equal(store.keyOf?.(url), null, url);
  },
  'keys of other stores name nothing': async (store) => {
    for (const key of [freshKey(), '', '../outside', '/etc/passwd', 'file:///etc/passwd']) {
      await rejectsWith(store.get(key), 'not_found');
      await rejectsWith(store.stat(key), 'not_found');
    }
  },
};
