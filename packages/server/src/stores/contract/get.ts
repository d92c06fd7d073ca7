/** The contract of `get` and `stat`: exactly the bytes asked for, and nothing left open. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { collect, slice } from './bytes.ts';
import { assertAbsent, type Cases, freshKey, rejectsWith } from './cases.ts';

const mebi = 1024 * 1024;

export const getCases: Cases = {
  'ranges at every edge': async (store, made) => {
    const size = 2 * mebi + 5;
    const key = await made(size);
    const edges = [0, 1, 65_535, 65_536, mebi - 1, mebi, size - 2, size - 1];
    for (const first of edges) {
      for (const last of edges.filter((edge) => edge >= first)) {
        const got = await collect(await store.get(key, { first, last }));
        assert.ok(got.equals(slice(1, first, last + 1)), `bytes ${first} to ${last} differ`);
      }
    }
  },
  'a range that the object does not have': async (store, made) => {
    const key = await made(10);
    await rejectsWith(store.get(key, { first: 0, last: 10 }), 'range_not_satisfiable');
    await rejectsWith(store.get(key, { first: 10, last: 10 }), 'range_not_satisfiable');
    await rejectsWith(store.get(key, { first: 5, last: 4 }), 'range_not_satisfiable');
    await rejectsWith(store.get(await made(0), { first: 0, last: 0 }), 'range_not_satisfiable');
  },
  'an object that is not there': (store) => assertAbsent(store, freshKey()),
  'many readers at once': async (store, made) => {
    const key = await made(3 * mebi);
    const readers = Array.from({ length: 20 }, async () => collect(await store.get(key)));
    const expected = slice(1, 0, 3 * mebi);
    for (const bytes of await Promise.all(readers)) assert.ok(bytes.equals(expected));
  },
  'a reader that is closed while it reads': async (store, made) => {
    const key = await made(4 * mebi);
    const reader = await store.get(key);
    await reader.next();
    const [last] = await Promise.all([reader.next(), reader.return?.()]);
    assert.ok(last.done || last.value.length > 0);
    assert.deepEqual(await reader.next(), { value: undefined, done: true });
    assert.ok((await collect(await store.get(key))).equals(slice(1, 0, 4 * mebi)));
  },
  'a chunk is left alone after its reader left': async (store, made) => {
    const key = await made(8 * mebi);
    const left = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const reader = await store.get(key);
        const { value } = await reader.next();
        await reader.return?.();
        return value!;
      }),
    );
    const before = left.map((chunk) => Buffer.from(chunk));
    await collect(await store.get(key, { first: mebi, last: 6 * mebi }));
    for (const [index, chunk] of left.entries()) assert.ok(before[index]!.equals(chunk), 'it was used again');
  },
  'readers that leave early, throw or never begin leave nothing open': async (store, made) => {
    const key = await made(8 * mebi);
    await leaveEarly(store, key);
    const before = openDescriptors();
    for (let round = 0; round < 20; round += 1) await leaveEarly(store, key);
    for (let turn = 0; turn < 1000 && openDescriptors() > before; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(openDescriptors() <= before, `${openDescriptors() - before} descriptors stay open`);
  },
};

async function leaveEarly(store: Parameters<Cases[string]>[0], key: string): Promise<void> {
  for await (const chunk of await store.get(key)) if (chunk.length > 0) break;
  let seen = 0;
  for await (const chunk of await store.get(key)) {
    seen += chunk.length;
    if (seen > 2 * mebi) break;
  }
  const thrown = new Error('the consumer failed');
  const consume = async () => {
    for await (const chunk of await store.get(key)) if (chunk.length > 0) throw thrown;
  };
  await assert.rejects(consume, (error) => error === thrown);
  const unread = await store.get(key);
  await unread.return?.();
  assert.deepEqual(await unread.next(), { value: undefined, done: true });
}

/** 0 where the system does not tell. */
function openDescriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}
