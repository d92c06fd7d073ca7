/** The contract of `put`: whole or not at all, once, and never in the way of another key. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Failure } from '../../base/failure.ts';
import { collect, cutStream, digest, slice, stream } from './bytes.ts';
import { assertAbsent, type Cases, freshKey, given, listedKeys, rejectsWith } from './cases.ts';

const mebi = 1024 * 1024;

export const putCases: Cases = {
  'what was put comes back': async (store) => {
    const key = await given(store, 200_001);
    assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 200_001));
    assert.deepEqual(await store.stat(key), { size: 200_001 });
  },
  'an empty object': async (store) => {
    const key = await given(store, 0);
    assert.deepEqual(await store.stat(key), { size: 0 });
    assert.equal((await collect(await store.get(key))).length, 0);
    assert.ok((await listedKeys(store)).includes(key));
  },
  'empty chunks between others': async (store) => {
    const key = freshKey();
    await store.put(key, withEmptyChunks());
    assert.deepEqual(await collect(await store.get(key)), Buffer.from('abcd'));
  },
  'a large object keeps its digest': async (store) => {
    const key = freshKey();
    const size = 32 * mebi + 17;
    const expected = createHash('sha256');
    await store.put(key, hashed(stream(3, size), expected));
    assert.equal(await digest(await store.get(key)), expected.digest('hex'));
  },
  'many small chunks': async (store) => {
    const key = freshKey();
    await store.put(key, stream(4, 50_000, 7));
    assert.deepEqual(await collect(await store.get(key)), slice(4, 0, 50_000));
  },
  'chunks larger than any buffer': async (store) => {
    const key = freshKey();
    await store.put(key, stream(5, 7 * mebi + 1, 3 * mebi));
    assert.deepEqual(await collect(await store.get(key)), slice(5, 0, 7 * mebi + 1));
  },
  'whatever size was expected, it is as large as it is': async (store) => {
    const size = 17 * mebi + 3;
    const expected = await digest(stream(6, size));
    for (const expectedSize of [0, 9 * mebi, size, 40 * mebi]) {
      const key = freshKey();
      assert.deepEqual(await store.put(key, stream(6, size), undefined, expectedSize), { size });
      assert.deepEqual(await store.stat(key), { size });
      assert.equal(await digest(await store.get(key)), expected);
    }
  },
  'two objects are two': async (store) => {
    const [one, two] = [await given(store, 10), freshKey()];
    await store.put(two, stream(2, 20));
    assert.deepEqual(await collect(await store.get(one)), slice(1, 0, 10));
    assert.deepEqual(await collect(await store.get(two)), slice(2, 0, 20));
  },
  'nothing is seen before the last byte': async (store) => {
    const key = freshKey();
    await store.put(key, lookingIn());
    assert.deepEqual(await store.stat(key), { size: 2 * mebi });

    async function* lookingIn() {
      yield* stream(1, 2 * mebi);
      await assertAbsent(store, key);
    }
  },
  'a taken key is refused and its bytes stay': async (store) => {
    const key = await given(store, 100);
    await rejectsWith(store.put(key, stream(2, 50)), 'image_exists');
    assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 100));
  },
  'of two puts of one key one wins, whole': async (store) => {
    const key = freshKey();
    const seeds = [6, 7];
    const ends = await Promise.allSettled(seeds.map((seed) => store.put(key, stream(seed, 3 * mebi))));
    const winner = ends.findIndex(({ status }) => status === 'fulfilled');
    const lost = ends.filter((end) => end.status === 'rejected');
    assert.equal(lost.length, 1, 'exactly one put must be refused');
    assert.ok(lost[0]!.reason instanceof Failure && lost[0]!.reason.code === 'image_exists');
    assert.deepEqual(await collect(await store.get(key)), slice(seeds[winner]!, 0, 3 * mebi));
  },
  'one object can be put elsewhere as it is read': async (store) => {
    const [from, to] = [await given(store, 5 * mebi + 3), freshKey()];
    await store.put(to, await store.get(from));
    assert.equal(await digest(await store.get(to)), await digest(stream(1, 5 * mebi + 3)));
  },
};

export const cutCases: Cases = {
  'a source that throws at once': (store) => assertCut(store, 0),
  'a source that throws after one byte': (store) => assertCut(store, 1),
  'a source that throws in the middle': (store) => assertCut(store, 3 * mebi),
  'a source that throws after the last byte': (store) => assertCut(store, 64 * 1024),
  'an abort before the first byte': async (store) => {
    const key = freshKey();
    const reason = new Failure('image_deleted', 'The image was deleted meanwhile.');
    await assert.rejects(
      store.put(key, stream(1, mebi), AbortSignal.abort(reason)),
      (error) => error === reason,
    );
    await assertAbsent(store, key);
  },
  'an abort while the source is silent': async (store) => {
    const key = freshKey();
    const controller = new AbortController();
    const reason = new Failure('image_deleted', 'The image was deleted meanwhile.');
    const put = store.put(
      key,
      silentAfter(mebi, () => controller.abort(reason)),
      controller.signal,
    );
    await assert.rejects(put, (error) => error === reason);
    await assertAbsent(store, key);
  },
  'an abort while bytes flow': async (store) => {
    const key = freshKey();
    const controller = new AbortController();
    const put = store.put(key, abortingAfter(2 * mebi, controller), controller.signal);
    await assert.rejects(put, { name: 'AbortError' });
    await assertAbsent(store, key);
  },
  'a key can be put again after a cut': async (store) => {
    const key = freshKey();
    await assert.rejects(store.put(key, cutStream(1, mebi, new Error('cut'))));
    await store.put(key, stream(2, 1000));
    assert.deepEqual(await collect(await store.get(key)), slice(2, 0, 1000));
  },
  'a source is closed when the put ends early': async (store) => {
    const controller = new AbortController();
    const closed = Promise.withResolvers<void>();
    const body = async function* () {
      try {
        for (let count = 0; ; count += 1) {
          if (count === 3) controller.abort();
          yield Buffer.alloc(mebi);
        }
      } finally {
        closed.resolve();
      }
    };
    await assert.rejects(store.put(freshKey(), body(), controller.signal), { name: 'AbortError' });
    await closed.promise;
  },
};

async function assertCut(store: Parameters<Cases[string]>[0], size: number): Promise<void> {
  const key = freshKey();
  const error = new Error('the source was cut');
  await assert.rejects(store.put(key, cutStream(1, size, error)), (thrown) => thrown === error);
  await assertAbsent(store, key);
}

async function* withEmptyChunks(): AsyncGenerator<Uint8Array> {
  for (const part of ['', 'ab', '', '', 'cd', '']) yield Buffer.from(part);
}

async function* hashed(source: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

async function* silentAfter(size: number, then: () => void): AsyncGenerator<Uint8Array> {
  yield* stream(1, size);
  setImmediate(then);
  await new Promise(() => undefined);
}

async function* abortingAfter(size: number, controller: AbortController): AsyncGenerator<Uint8Array> {
  yield* stream(1, size);
  controller.abort();
  yield* stream(1, size);
}
