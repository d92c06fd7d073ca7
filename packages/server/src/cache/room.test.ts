/** What a cache keeps when room is short, and what of it outlives the process. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type CacheLab,
  imageOf,
  type OpenCache,
  openCacheLab,
  originOf,
} from '../../../../test/support/cache-lab.ts';
import { collect, slice } from '../stores/contract/bytes.ts';
import { rejectsWith } from '../stores/contract/cases.ts';
import { cachedImages, enrolNode } from './cache-records.ts';
import type { ImageFacts } from './entry.ts';

const mebi = 1024 * 1024;

let lab: CacheLab;
before(async () => {
  lab = await openCacheLab();
});
after(() => lab.close());

const idsOf = ({ cache }: OpenCache) => cache.entries.map(({ image }) => image.id);
const read = async ({ cache }: OpenCache, seed: number, image: ImageFacts) =>
  await collect(await cache.through(image, null, originOf(seed, image).open));

async function fetched(open: OpenCache, seed: number): Promise<ImageFacts> {
  const image = imageOf(seed, mebi);
  await open.cache.fetch(image, originOf(seed, image).open);
  return image;
}

test('what was least lately read makes room', async () => {
  const open = await lab.open(lab.freshFolder(), { maxSize: 3 * mebi });
  const [a, b, c] = [await fetched(open, 1), await fetched(open, 2), await fetched(open, 3)];
  await read(open, 1, a);
  const d = await fetched(open, 4);
  assert.deepEqual(idsOf(open), [c.id, a.id, d.id]);
  assert.equal(open.cache.bytes, 3 * mebi);
  assert.equal(open.cache.figures.evicted, 1);
  assert.deepEqual(await read(open, 2, b), slice(2, 0, mebi));
  await open.close();
});

test('what is larger than the cache passes it by, and costs no other its place', async () => {
  const at = lab.freshFolder();
  const open = await lab.open(at, { maxSize: 2 * mebi });
  const kept = await fetched(open, 1);
  const large = imageOf(2, 2 * mebi + 1);
  assert.deepEqual(await read(open, 2, large), slice(2, 0, 2 * mebi + 1));
  await rejectsWith(open.cache.fetch(imageOf(3, 2 * mebi + 1), originOf(3, large).open), 'store_full');
  assert.deepEqual(idsOf(open), [kept.id]);
  await open.close();
});

test('what is on its way counts, too', async () => {
  const open = await lab.open(lab.freshFolder(), { maxSize: 2 * mebi });
  const images = [1, 2, 3].map((seed) => imageOf(seed, mebi));
  const chunks = await Promise.all(
    images.map((image, index) => open.cache.through(image, null, originOf(index + 1, image).open)),
  );
  for (const [index, one] of chunks.entries())
    assert.deepEqual(await collect(one), slice(index + 1, 0, mebi));
  assert.ok(open.cache.bytes <= 2 * mebi, String(open.cache.bytes));
  await open.close();
});

test('entries, their order and their hits outlive the process', async () => {
  const at = lab.freshFolder();
  const open = await lab.open(at);
  const [a, b] = [await fetched(open, 1), await fetched(open, 2)];
  await read(open, 1, a);
  await open.close();
  const rows = await cachedImages(lab.database, open.node);
  assert.deepEqual(
    new Map(rows.map(({ image_id, hits }) => [image_id, hits])),
    new Map([
      [a.id, 1],
      [b.id, 0],
    ]),
  );
  const again = await lab.open(at, { maxSize: mebi });
  assert.equal(again.node, open.node);
  assert.deepEqual(idsOf(again), [a.id]);
  assert.equal(again.cache.entries[0]!.hits, 1);
  await again.close();
  assert.deepEqual(
    (await cachedImages(lab.database, open.node)).map(({ image_id }) => image_id),
    [a.id],
  );
});

test('a folder whose records are lost is taken as it is', async () => {
  const at = lab.freshFolder();
  const open = await lab.open(at);
  const image = await fetched(open, 1);
  await open.close();
  await enrolNode(lab.database, { id: crypto.randomUUID(), url: 'http://other', process: 1 });
  await lab.database.db.deleteFrom('cached_images').execute();
  const again = await lab.open(at);
  assert.deepEqual(idsOf(again), [image.id]);
  await again.close();
  assert.equal((await cachedImages(lab.database, open.node)).length, 1);
});

test('what does not belong there is removed at the start', async () => {
  const at = lab.freshFolder();
  const open = await lab.open(at);
  const image = await fetched(open, 1);
  await open.close();
  mkdirSync(path.join(at, 'drafts', 'cut'));
  writeFileSync(path.join(at, 'drafts', 'cut', 'data'), 'half');
  mkdirSync(path.join(at, 'entries', 'strange'));
  mkdirSync(path.join(at, 'entries', 'broken'));
  writeFileSync(path.join(at, 'entries', 'broken', 'facts.json'), '{"image":{}}');
  const again = await lab.open(at);
  assert.deepEqual(idsOf(again), [image.id]);
  assert.deepEqual(readdirSync(path.join(at, 'drafts')), []);
  assert.equal(readdirSync(path.join(at, 'entries')).length, 1);
  await again.close();
});

test('a folder is of one process at a time, and free again when that is killed', async () => {
  const at = lab.freshFolder();
  const code = `
    import { CacheFolder } from ${JSON.stringify(import.meta.resolve('./folder.ts'))};
    const folder = await CacheFolder.open(${JSON.stringify(at)}, { listen: 'child' });
    const draft = await folder.draft();
    await draft.file.write(Buffer.alloc(65536));
    console.log('writing');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await rejectsWith(lab.open(at), 'unavailable');
  assert.equal(readdirSync(path.join(at, 'drafts')).length, 1);
  child.kill('SIGKILL');
  await once(child, 'close');
  const open = await lab.open(at);
  assert.deepEqual(readdirSync(path.join(at, 'drafts')), []);
  await fetched(open, 1);
  await open.close();
});

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const noMounts = isRoot ? false : 'mounting a small file system needs root';

describe('a disk', { skip: noMounts }, () => {
  async function onDisk(
    megabytes: number,
    work: (open: OpenCache, at: string) => Promise<void>,
  ): Promise<void> {
    const at = lab.freshFolder();
    mkdirSync(at);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', at]);
    try {
      const open = await lab.open(at);
      await work(open, at);
      await open.close();
    } finally {
      execFileSync('umount', [at]);
    }
  }

  test('that is nearly full is left alone', async () => {
    await onDisk(8, async (open, at) => {
      writeFileSync(path.join(at, 'other'), Buffer.alloc(6 * mebi));
      const image = imageOf(1, 2 * mebi - 200_000);
      assert.deepEqual(await read(open, 1, image), slice(1, 0, image.size));
      assert.equal(open.cache.entries.length, 0);
    });
  });

  test('that fills up while an image is fetched costs its readers nothing', async () => {
    await onDisk(8, async (open, at) => {
      const image = imageOf(1, 6 * mebi);
      const { open: origin, asked } = originOf(1, image, async function* (chunks) {
        let count = 0;
        for await (const chunk of chunks) {
          if (count === 4) writeFileSync(path.join(at, 'other'), Buffer.alloc(7 * mebi));
          count += 1;
          yield chunk;
        }
      });
      const got = await collect(await open.cache.through(image, null, origin));
      assert.deepEqual(got, slice(1, 0, image.size));
      assert.equal(asked.length, 2);
      await open.cache.close();
      assert.equal(open.cache.entries.length, 0);
      assert.deepEqual(readdirSync(path.join(at, 'drafts')), []);
    });
  });

  test('that became read-only still gives what it has', async () => {
    await onDisk(8, async (open, at) => {
      const image = await fetched(open, 1);
      execFileSync('mount', ['-o', 'remount,ro', at]);
      assert.deepEqual(await read(open, 1, image), slice(1, 0, mebi));
      const other = imageOf(2, mebi);
      assert.deepEqual(await read(open, 2, other), slice(2, 0, mebi));
      assert.deepEqual(idsOf(open), [image.id]);
      execFileSync('mount', ['-o', 'remount,rw', at]);
    });
  });
});
