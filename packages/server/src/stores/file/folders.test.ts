/** A file store of several folders, and one that leaves zeros out of its files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { collect, slice, stream } from '../contract/bytes.ts';
import { assertAbsent, given, listedKeys, rejectsWith } from '../contract/cases.ts';
import { openStores } from '../registry.ts';
import { storeContract } from '../store.contract.ts';
import type { KnownCapacity, Store } from '../store.ts';
import { openFileStores } from './file.ts';

const mebi = 1024 * 1024;
const root = mkdtempSync(join(tmpdir(), 'tintype-folders-'));
after(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function freshPath(): string {
  count += 1;
  return join(root, `folder-${count}`);
}

/** One folder for each priority. */
async function opened(...priorities: number[]): Promise<{ store: Store; paths: string[] }> {
  const folders = priorities.map((priority) => ({ path: freshPath(), priority }));
  const store = await openFileStores({ id: 'disk', type: 'file', path: freshPath(), folders });
  return { store, paths: folders.map(({ path }) => path) };
}

const keysIn = (path: string) => readdirSync(path).filter((name) => !name.startsWith('.'));

storeContract('file, in three folders', async () => (await opened(1, 2, 2)).store);
storeContract('file, thin', () =>
  openFileStores({ id: 'disk', type: 'file', path: freshPath(), thin: true }),
);

describe('of several folders', () => {
  test('the one with the highest priority is written to, and all are read from', async () => {
    const { store, paths } = await opened(0, 5, -1);
    const key = await given(store, 1000);
    assert.deepEqual(paths.map(keysIn), [[], [key], []]);
    for (const path of [paths[0]!, paths[2]!]) {
      renameSync(join(paths[1]!, key), join(path, key));
      assert.deepEqual(await store.stat(key), { size: 1000 });
      assert.deepEqual(await collect(await store.get(key, { first: 5, last: 14 })), slice(1, 5, 15));
      assert.deepEqual(await listedKeys(store), [key]);
      assert.equal(await store.fileOf!(key), join(path, key));
      await rejectsWith(store.get(key, { first: 0, last: 1000 }), 'range_not_satisfiable');
      await rejectsWith(store.put(key, stream(1, 1)), 'image_exists');
      renameSync(join(path, key), join(paths[1]!, key));
    }
    renameSync(join(paths[1]!, key), join(paths[2]!, key));
    await store.delete(key);
    assert.deepEqual(paths.map(keysIn), [[], [], []]);
    await rejectsWith(store.fileOf!(key), 'not_found');
    assert.equal(store.properties!.data_dir, [paths[1], paths[0], paths[2]].join(', '));
    assert.equal(store.urlOf, undefined);
  });

  test('one that is lost hides what is in it, and nothing else', async () => {
    const { store, paths } = await opened(2, 1);
    const lost = await given(store, 1000);
    renameSync(paths[0]!, `${paths[0]}-away`);
    const key = await given(store, 1000);
    assert.deepEqual(keysIn(paths[1]!), [key]);
    assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 1000));
    for (const ask of [
      () => store.get(lost),
      () => store.stat(lost),
      () => store.delete(lost),
      () => listedKeys(store),
      () => store.capacity!(),
    ])
      await rejectsWith(ask(), 'store_unavailable');
    await store.delete(key);
    renameSync(`${paths[0]}-away`, paths[0]!);
    assert.deepEqual(await collect(await store.get(lost)), slice(1, 0, 1000));
    await assertAbsent(store, key);
  });

  test('none has room for what is larger than all of them', async () => {
    const { store, paths } = await opened(1, 1);
    await rejectsWith(store.put('large', stream(1, 10), undefined, 2 ** 50), 'store_full');
    assert.deepEqual(paths.map(keysIn), [[], []]);
    await assertAbsent(store, 'large');
  });

  test('no two may be the same, of one store or of two', async () => {
    const path = freshPath();
    const disk = (id: string, paths: string[]) => ({
      id,
      type: 'file',
      path,
      folders: paths.map((one) => ({ path: one })),
    });
    const wrong = [
      [[disk('one', [path, `${path}/`])], /Store one has the same folder twice/],
      [[disk('one', [freshPath(), path]), disk('two', [path])], /Stores one and two are at the same place/],
      [[disk('one', [path, freshPath()]), disk('two', [])], /Stores one and two are at the same place/],
    ] as const;
    for (const [configs, message] of wrong)
      await assert.rejects(openStores(configs, freshPath()), { code: 'bad_request', message });
    const stores = await openStores([disk('one', [freshPath(), path])], freshPath());
    await given(stores.default, 10);
    await stores.close();
  });

  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  const skip = isRoot ? false : 'mounting small file systems needs root';
  test('on file systems of their own, room counts for more than priority, and decides between equals', {
    skip,
  }, async () => {
    const paths = ['3m', '12m', '8m'].map((size) => {
      const path = freshPath();
      mkdirSync(path);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
      return path;
    });
    try {
      const folders = paths.map((path, index) => ({ path, priority: index === 0 ? 9 : 0 }));
      const store = await openFileStores({ id: 'disk', type: 'file', path: freshPath(), folders });
      const put = (key: string, size: number) => store.put(key, stream(1, size), undefined, size);
      await put('small', mebi);
      await put('large', 6 * mebi);
      await put('next', 5 * mebi);
      await put('last', 2.5 * mebi);
      assert.deepEqual(
        paths.map((path) => keysIn(path).toSorted()),
        [['small'], ['large', 'last'], ['next']],
      );
      await rejectsWith(put('more', 4 * mebi), 'store_full');
      const { freeBytes } = (await store.capacity!()) as KnownCapacity;
      assert.ok(freeBytes > 8 * mebi && freeBytes < 9 * mebi, `${freeBytes} bytes are free`);
    } finally {
      for (const path of paths) execFileSync('umount', [path]);
    }
  });
});

describe('thin', () => {
  const parts = [slice(1, 0, 70_000), Buffer.alloc(5 * mebi), slice(2, 0, 10), Buffer.alloc(3 * mebi + 7)];
  const data = Buffer.concat(parts);

  async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }

  async function takenBy(thin: boolean, bytes: Buffer, chunkSize: number): Promise<number> {
    const path = freshPath();
    const store = await openFileStores({ id: 'disk', type: 'file', path, thin });
    assert.equal(store.properties!.thin_provisioning, thin);
    assert.deepEqual(await store.put('key', chunksOf(bytes, chunkSize)), { size: bytes.length });
    assert.ok(readFileSync(join(path, 'key')).equals(bytes));
    return statSync(join(path, 'key')).blocks * 512;
  }

  test('files have holes where there are zeros, whatever chunks they come in', async () => {
    for (const chunkSize of [4099, 100_003, mebi, data.length]) {
      const taken = await takenBy(true, data, chunkSize);
      assert.ok(taken >= 70_000 && taken <= 6 * 65_536, `${taken} bytes in chunks of ${chunkSize}`);
    }
    assert.ok((await takenBy(true, Buffer.alloc(2 * mebi + 1), 65_536)) <= 65_536);
    assert.ok((await takenBy(true, slice(3, 0, mebi), 65_536)) >= mebi, 'nothing is left out of other data');
    assert.ok((await takenBy(false, data, 65_536)) >= data.length, 'without it zeros are written');
  });
});
