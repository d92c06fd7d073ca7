/** The contract of `delete` and `list`, of keys that are none, and of URLs. */
import assert from 'node:assert/strict';
import { Failure } from '../../base/failure.ts';
import type { Store } from '../store.ts';
import { collect, slice, stream } from './bytes.ts';
import { assertAbsent, type Cases, freshKey, given, listedKeys, rejectsWith } from './cases.ts';

const mebi = 1024 * 1024;

export const deleteCases: Cases = {
  'what was deleted is gone, and deleting again is fine': async (store) => {
    const key = await given(store, 1000);
    await store.delete(key);
    await assertAbsent(store, key);
    await store.delete(key);
    await store.delete(freshKey());
  },
  'many deletes of one object at once': async (store) => {
    const key = await given(store, 1000);
    await Promise.all(Array.from({ length: 10 }, () => store.delete(key)));
    await assertAbsent(store, key);
  },
  'a reader that began keeps reading': async (store) => {
    const size = 3 * mebi;
    const bytes = await readWhileDeleted(store, size);
    assert.ok(bytes.equals(slice(1, 0, size)));
  },
  'of what is in many pieces a reader gives all, or says that it is lost': async (store) => {
    const size = 20 * mebi;
    const bytes = await readWhileDeleted(store, size).catch((error) => {
      if (error instanceof Failure && error.code === 'store_unavailable') return null;
      throw error;
    });
    assert.ok(bytes === null || bytes.equals(slice(1, 0, size)));
  },
  'a deleted key can be put again': async (store) => {
    const key = await given(store, 10);
    await store.delete(key);
    await store.put(key, stream(2, 20));
    assert.deepEqual(await collect(await store.get(key)), slice(2, 0, 20));
  },
};

/** What a reader gives of an object that is deleted after the first chunk was taken. */
async function readWhileDeleted(store: Store, size: number): Promise<Buffer> {
  const key = await given(store, size);
  const reader = await store.get(key);
  const first = await reader.next();
  const head = Buffer.from(first.value!);
  await store.delete(key);
  await assertAbsent(store, key);
  return Buffer.concat([head, await collect(reader)]);
}

export const listCases: Cases = {
  'every object is listed once, with its size': async (store) => {
    const sizes = new Map<string, number>();
    for (const size of [0, 1, 4096, mebi]) sizes.set(await given(store, size), size);
    const listed: [string, number][] = [];
    for await (const { key, size } of store.list()) if (sizes.has(key)) listed.push([key, size]);
    assert.deepEqual(listed.toSorted(), [...sizes].toSorted());
  },
  'a list can be left early': async (store) => {
    await given(store, 1);
    await given(store, 1);
    for await (const object of store.list()) {
      assert.ok(object.key);
      break;
    }
  },
  'deletes during a list do no harm': async (store) => {
    const keys = [await given(store, 1), await given(store, 1), await given(store, 1)];
    for await (const { key } of store.list()) if (keys.includes(key)) await store.delete(keys.pop()!);
    assert.ok((await listedKeys(store)).every((key) => key));
  },
  'a store says how much room it has, as far as its medium tells': async (store) => {
    if (store.capacity === undefined) return;
    const { usedBytes, totalBytes, freeBytes } = await store.capacity();
    for (const bytes of [usedBytes, totalBytes, freeBytes])
      assert.ok(bytes === null || (Number.isSafeInteger(bytes) && bytes >= 0), String(bytes));
    // What is left is left of something.
    if (freeBytes !== null) assert.ok(totalBytes !== null && freeBytes <= totalBytes);
  },
  'a sweep leaves finished objects and puts under way alone': async (store) => {
    if (store.sweep === undefined) return;
    const { sweep } = store;
    const [done, running] = [await given(store, 100), freshKey()];
    const body = async function* () {
      yield* stream(1, mebi);
      await sweep.call(store);
      yield* stream(2, mebi);
    };
    assert.deepEqual(await store.put(running, body()), { size: 2 * mebi });
    assert.deepEqual(await collect(await store.get(done)), slice(1, 0, 100));
  },
};

const noKeys = [
  '',
  '.',
  '..',
  '.hidden',
  '../outside',
  '../../etc/passwd',
  '/etc/passwd',
  'folder/name',
  'folder\\name',
  'name\0',
  'name\n',
  'na me',
  'näme',
  '%2e%2e%2fname',
  'x'.repeat(129),
];

export const keyCases: Cases = {
  'names that try to escape reach nothing': async (store) => {
    for (const key of noKeys) {
      await rejectsWith(store.put(key, stream(1, 10)), 'not_found');
      await rejectsWith(store.get(key), 'not_found');
      await rejectsWith(store.stat(key), 'not_found');
      await rejectsWith(store.delete(key), 'not_found');
    }
  },
  'every character that a key may have': async (store) => {
    const [long, all] = ['k'.repeat(128), `${freshKey()}_AZaz09.-_..x`];
    for (const key of [long, all]) {
      await store.put(key, stream(1, 10));
      assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 10));
      assert.ok((await listedKeys(store)).includes(key));
      await store.delete(key);
    }
  },
};

export const urlCases: Cases = {
  'every object has a URL of its own, which holds no credentials': async (store) => {
    if (store.urlOf === undefined) return;
    const [one, other] = [new URL(store.urlOf(freshKey())), new URL(store.urlOf(freshKey()))];
    assert.notEqual(one.href, other.href);
    assert.deepEqual([one.username, one.password, one.search], ['', '', '']);
  },
  'a URL leads back to its key': async (store) => {
    if (store.urlOf === undefined || store.keyOf === undefined) return;
    const key = await given(store, 100);
    assert.equal(store.keyOf(store.urlOf(key)), key);
  },
  'what names nothing here has no key': async (store) => {
    if (store.keyOf === undefined) return;
    for (const url of [
      '',
      'x',
      'file:///etc/passwd',
      'filesystem:///etc',
      'swift+config://x/y',
      '://',
      'a:b',
    ])
      assert.equal(store.keyOf(url), null, url);
  },
};
