/** Files that the kernel copies into a file store: whole or not at all, holes and all, and judged by what the store has then. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { slice } from '../contract/bytes.ts';
import { assertAbsent, given, rejectsWith } from '../contract/cases.ts';
import type { Store } from '../store.ts';
import { openFileStore, openFileStores } from './file.ts';
import { loadKernel } from './kernel.ts';

const mebi = 1024 * 1024;
const root = mkdtempSync(join(tmpdir(), 'tintype-put-file-'));
after(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function freshPath(folder = root): string {
  count += 1;
  return join(folder, `file-${count}`);
}

const keysIn = (path: string) => readdirSync(path).filter((name) => !name.startsWith('.'));
const unfinished = (path: string) => readdirSync(join(path, '.unfinished'));
const roomOf = (path: string) => statSync(path).blocks * 512;

async function openAt(path: string, thin = false): Promise<Store> {
  return await openFileStore({ id: 'disk', type: 'file', path, thin });
}

/** Of `size` bytes; those at `holes` are not written. */
function madeFile(size: number, holes: readonly [number, number][] = [], path = freshPath()): string {
  const file = openSync(path, 'wx');
  let at = 0;
  for (const [from, to] of [...holes, [size, size]] as const) {
    writeSync(file, slice(1, at, from), 0, from - at, at);
    at = to;
  }
  closeSync(file);
  truncateSync(path, size);
  return path;
}

const unjudged = (bytes: AsyncIterable<Uint8Array>) => bytes;

describe('a file', async () => {
  const withoutKernel = (await loadKernel()) === null ? 'copy_file_range is not to be had here' : false;

  test('is copied, and who judges it sees every byte of the copy', { skip: withoutKernel }, async () => {
    for (const size of [0, 1, 65_537, 40 * mebi + 3]) {
      const [path, from] = [freshPath(), madeFile(size)];
      const store = await openAt(path);
      const seen: Buffer[] = [];
      async function* judged(bytes: AsyncIterable<Uint8Array>) {
        for await (const chunk of bytes) {
          seen.push(Buffer.from(chunk));
          assert.deepEqual(keysIn(path), [], 'it is seen before it is judged');
          yield chunk;
        }
      }
      assert.deepEqual(await store.putFile!('copy', from, judged), { size });
      assert.ok(Buffer.concat(seen).equals(slice(1, 0, size)));
      assert.ok(readFileSync(join(path, 'copy')).equals(slice(1, 0, size)));
      assert.deepEqual(unfinished(path), []);
      assert.equal(statSync(join(path, 'copy')).ino === statSync(from).ino, false);
      await rejectsWith(store.putFile!('copy', from, unjudged), 'image_exists');
    }
  });

  test('keeps its holes, and a thin store makes them where there are none', {
    skip: withoutKernel,
  }, async () => {
    const holes = [
      [mebi, 20 * mebi],
      [21 * mebi, 45 * mebi],
      [46 * mebi, 50 * mebi],
    ] as const satisfies [number, number][];
    const from = madeFile(50 * mebi, holes);
    const before = readFileSync(from);
    for (const thin of [false, true]) {
      const path = freshPath();
      assert.deepEqual(await (await openAt(path, thin)).putFile!('copy', from, unjudged), {
        size: before.length,
      });
      assert.ok(readFileSync(join(path, 'copy')).equals(before));
      assert.ok(roomOf(join(path, 'copy')) < 4 * mebi);
    }
    const path = freshPath();
    writeFileSync(join(root, 'zeros'), Buffer.alloc(mebi));
    assert.equal(await (await openAt(path, true)).putFile!('copy', join(root, 'zeros'), unjudged), null);
    assert.deepEqual([keysIn(path), unfinished(path)], [[], []]);
  });

  test('that is judged to be wrong, or given up, leaves nothing', { skip: withoutKernel }, async () => {
    const [path, from] = [freshPath(), madeFile(100 * mebi)];
    const store = await openAt(path);
    const wrong = new Error('wrong');
    async function* refusing(bytes: AsyncIterable<Uint8Array>) {
      yield* bytes;
      throw wrong;
    }
    await assert.rejects(store.putFile!('copy', from, refusing), wrong);
    await assertAbsent(store, 'copy');
    assert.deepEqual(unfinished(path), []);
    const giving = new AbortController();
    let seen = 0;
    async function* endless(bytes: AsyncIterable<Uint8Array>) {
      for await (const chunk of bytes) {
        seen += chunk.length;
        yield chunk;
        if (seen > mebi) giving.abort(wrong);
      }
    }
    await assert.rejects(store.putFile!('copy', from, endless, giving.signal), wrong);
    assert.ok(seen < 50 * mebi);
    await assertAbsent(store, 'copy');
    assert.deepEqual(unfinished(path), []);
  });

  test('that is none, or a way to another, is left alone', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const [folder, link] = [freshPath(), freshPath()];
    mkdirSync(folder);
    symlinkSync(madeFile(10), link);
    for (const from of [join(root, 'nowhere'), folder, link])
      assert.equal(await store.putFile!('copy', from, unjudged), null);
    assert.deepEqual([keysIn(path), unfinished(path)], [[], []]);
  });

  test('goes to the folder with room, and its name is taken in all of them', {
    skip: withoutKernel,
  }, async () => {
    const folders = [5, 0].map((priority) => ({ path: freshPath(), priority }));
    const store = await openFileStores({ id: 'disk', type: 'file', path: freshPath(), folders });
    const [first, second] = folders.map((folder) => folder.path) as [string, string];
    assert.deepEqual(await store.putFile!('copy', madeFile(1000), unjudged), { size: 1000 });
    assert.deepEqual([keysIn(first), keysIn(second)], [['copy'], []]);
    const other = await given(await openAt(second), 10);
    await rejectsWith(store.putFile!(other, madeFile(1000), unjudged), 'image_exists');
    assert.equal(await store.putFile!('none', join(root, 'nowhere'), unjudged), null);
  });
});

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

describe('on a file system of its own', { skip: isRoot ? false : 'mounting one needs root' }, () => {
  async function mounted(
    make: (folder: string) => boolean,
    check: (folder: string) => Promise<void>,
  ): Promise<boolean> {
    const folder = freshPath();
    mkdirSync(folder);
    if (!make(folder)) return false;
    try {
      await check(folder);
    } finally {
      execFileSync('umount', [folder]);
    }
    return true;
  }

  const small = (folder: string) => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
    return true;
  };

  test('that is full the copy is told so, and leaves nothing', async () => {
    await mounted(small, async (folder) => {
      const from = madeFile(20 * mebi, [], freshPath(folder));
      const path = join(folder, 'store');
      const store = await openAt(path);
      await rejectsWith(store.putFile!('copy', from, unjudged), 'store_full');
      await assertAbsent(store, 'copy');
      assert.deepEqual(unfinished(path), []);
    });
  });

  test('that shares blocks the copy takes no room', async (context) => {
    const disk = freshPath();
    writeFileSync(disk, '');
    truncateSync(disk, 512 * mebi);
    const make = (folder: string) => {
      try {
        execFileSync('mkfs.xfs', ['-q', disk], { stdio: 'ignore' });
        execFileSync('mount', ['-o', 'loop', disk, folder], { stdio: 'ignore' });
        return true;
      } catch {
        return false;
      }
    };
    const did = await mounted(make, async (folder) => {
      const from = madeFile(40 * mebi, [], freshPath(folder));
      const path = join(folder, 'store');
      const store = await openAt(path, true);
      execFileSync('sync', ['-f', folder]);
      const before = statfsSync(folder).bfree;
      assert.deepEqual(await store.putFile!('copy', from, unjudged), { size: 40 * mebi });
      assert.ok(readFileSync(join(path, 'copy')).equals(slice(1, 0, 40 * mebi)));
      execFileSync('sync', ['-f', folder]);
      assert.ok((before - statfsSync(folder).bfree) * statfsSync(folder).bsize < 4 * mebi);
      assert.equal(statSync(join(path, 'copy')).mode & 0o777, statSync(from).mode & 0o777);
    });
    if (!did) context.skip('this machine has no XFS to mount');
  });
});
