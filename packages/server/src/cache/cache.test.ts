/** The cache: one fetch however many readers, right bytes whatever ails the copy, no more bytes than it may have. */
import assert from 'node:assert/strict';
import {
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type CacheLab,
  imageOf,
  type OpenCache,
  openCacheLab,
  originOf,
} from '../../../../test/support/cache-lab.ts';
import { Failure } from '../base/failure.ts';
import { collect, slice } from '../stores/contract/bytes.ts';
import { rejectsWith } from '../stores/contract/cases.ts';
import { dataFile, type ImageFacts, markOf } from './entry.ts';
import type { Origin } from './read.ts';

const mebi = 1024 * 1024;
const size = 3 * mebi + 5;
const data = slice(7, 0, size);

let lab: CacheLab;
before(async () => {
  lab = await openCacheLab();
});
after(() => lab.close());

async function withCache(
  work: (open: OpenCache, at: string) => Promise<void>,
  options?: { maxSize?: number; stallMs?: number },
): Promise<void> {
  const at = lab.freshFolder();
  const open = await lab.open(at, options);
  try {
    await work(open, at);
  } finally {
    await open.close();
  }
}

const drafts = (at: string) => readdirSync(path.join(at, 'drafts'));

async function read({ cache }: OpenCache, image: ImageFacts, origin: Origin, first?: number, last?: number) {
  const range = first === undefined ? null : { first, last: last! };
  return await collect(await cache.through(image, range, origin));
}

/** Its file, once it is an entry. */
async function cached(open: OpenCache, image: ImageFacts, origin: Origin): Promise<string> {
  await open.cache.fetch(image, origin);
  return dataFile(open.cache.entries.find((entry) => entry.image.id === image.id)!.folder);
}

test('an image is fetched once, and every range of it is served from the copy', async () => {
  await withCache(async (open) => {
    const image = imageOf(7, size);
    const origin = originOf(7, image);
    assert.deepEqual(await read(open, image, origin.open), data);
    await open.cache.fetch(image, origin.open);
    assert.deepEqual(await read(open, image, origin.open), data);
    for (const [first, last] of [
      [0, 0],
      [size - 1, size - 1],
      [mebi - 1, 2 * mebi + 3],
    ] as const)
      assert.deepEqual(await read(open, image, origin.open, first, last), data.subarray(first, last + 1));
    assert.deepEqual(origin.asked, [null]);
    const { hits, misses } = open.cache.figures;
    assert.deepEqual({ hits, misses }, { hits: 4, misses: 1 });
    assert.equal(open.cache.bytes, size);
  });
});

test('a range fetches nothing but itself', async () => {
  await withCache(async (open) => {
    const image = imageOf(7, size);
    const origin = originOf(7, image);
    assert.deepEqual(await read(open, image, origin.open, 10, 20), data.subarray(10, 21));
    assert.deepEqual(origin.asked, [{ first: 10, last: 20 }]);
    assert.equal(open.cache.entries.length, 0);
  });
});

/** Lets `free` chunks pass, and the rest when the gate is opened. */
function gate(free: number) {
  const { promise, resolve: open } = Promise.withResolvers<void>();
  async function* through(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let passed = 0;
    for await (const chunk of chunks) {
      if (passed === free) await promise;
      passed += 1;
      yield chunk;
    }
  }
  return { through, open };
}

describe('while an image is fetched', () => {
  test('all who want it read the one copy, also when the first of them leaves', async () => {
    await withCache(async (open, at) => {
      const image = imageOf(7, size);
      const { through, open: openGate } = gate(4);
      const origin = originOf(7, image, through);
      const [first, ...others] = await Promise.all(
        Array.from({ length: 5 }, () => open.cache.through(image, null, origin.open)),
      );
      const leaver = first![Symbol.asyncIterator]();
      const { value } = await leaver.next();
      assert.deepEqual(Buffer.from(value!), data.subarray(0, 65_536));
      await leaver.return?.();
      const late = open.cache.through(image, null, origin.open);
      openGate();
      for (const chunks of [...others, await late]) assert.deepEqual(await collect(chunks), data);
      await open.cache.fetch(image, origin.open);
      assert.deepEqual(origin.asked, [null]);
      assert.deepEqual(drafts(at), []);
    });
  });

  test('a reader is not kept waiting by a slower one', async () => {
    await withCache(async (open) => {
      const image = imageOf(7, size);
      const origin = originOf(7, image);
      const slow = (await open.cache.through(image, null, origin.open))[Symbol.asyncIterator]();
      await slow.next();
      assert.deepEqual(await read(open, image, origin.open), data);
      await slow.return?.();
      assert.deepEqual(origin.asked, [null]);
    });
  });

  test('an origin that fails is asked for the rest', async () => {
    await withCache(async (open, at) => {
      const image = imageOf(7, size);
      const origin = originOf(7, image, async function* (chunks) {
        let count = 0;
        for await (const chunk of chunks) {
          if (count === 3) throw new Error('The store is gone.');
          count += 1;
          yield chunk;
        }
      });
      assert.deepEqual(await read(open, image, origin.open), data);
      assert.deepEqual(origin.asked, [null, { first: 3 * 65_536, last: size - 1 }]);
      await open.cache.close();
      assert.equal(open.cache.entries.length, 0);
      assert.deepEqual(drafts(at), []);
    });
  });

  test('an origin that falls silent is asked for the rest', async () => {
    await withCache(
      async (open) => {
        const image = imageOf(7, size);
        const origin = originOf(7, image, gate(3).through);
        assert.deepEqual(await read(open, image, origin.open), data);
        assert.deepEqual(origin.asked, [null, { first: 3 * 65_536, last: size - 1 }]);
      },
      { stallMs: 50 },
    );
  });

  test('an origin that cannot be opened fails as it does without a cache', async () => {
    await withCache(async (open, at) => {
      const image = imageOf(7, size);
      const gone = async () => {
        throw new Error('No store has it.');
      };
      await assert.rejects(open.cache.through(image, null, gone), /No store has it/);
      assert.deepEqual(drafts(at), []);
      assert.deepEqual(await read(open, image, originOf(7, image).open), data);
    });
  });

  test('wrong data never ends well, and is not kept', async () => {
    for (const wrong of [originOf(8, imageOf(8, size)), originOf(7, imageOf(7, size - 1))])
      await withCache(async (open, at) => {
        const image = imageOf(7, size);
        let received = 0;
        const drain = async () => {
          for await (const chunk of await open.cache.through(image, null, wrong.open))
            received += chunk.length;
        };
        await assert.rejects(drain(), /digest|sha256|announced/);
        assert.ok(received < size, String(received));
        await open.cache.close();
        assert.equal(open.cache.entries.length, 0);
        assert.deepEqual(drafts(at), []);
      });
  });

  test('an origin that finds its own data wrong is not asked for the rest', async () => {
    await withCache(async (open) => {
      const image = imageOf(7, size);
      const origin = originOf(7, image, async function* (chunks) {
        let count = 0;
        for await (const chunk of chunks) {
          if (count === 40) throw new Failure('digest_mismatch', 'No copy is right.');
          count += 1;
          yield chunk;
        }
      });
      await rejectsWith(read(open, image, origin.open), 'digest_mismatch');
      assert.deepEqual(origin.asked, [null]);
    });
  });

  test('a deletion lets those who read go on, and leaves nothing', async () => {
    await withCache(async (open, at) => {
      const image = imageOf(7, size);
      const { through, open: openGate } = gate(4);
      const chunks = await open.cache.through(image, null, originOf(7, image, through).open);
      assert.equal(await open.cache.drop(image.id), false);
      openGate();
      assert.deepEqual(await collect(chunks), data);
      await open.cache.close();
      assert.equal(open.cache.entries.length, 0);
      for (const folder of ['entries', 'drafts']) assert.deepEqual(readdirSync(path.join(at, folder)), []);
    });
  });

  test('the end of the server leaves the rest to the origin', async () => {
    await withCache(async (open) => {
      const image = imageOf(7, size);
      const origin = originOf(7, image, gate(4).through);
      const chunks = await open.cache.through(image, null, origin.open);
      await open.cache.close();
      assert.deepEqual(await collect(chunks), data);
      assert.deepEqual(await read(open, image, originOf(7, image).open), data);
      assert.equal(open.cache.entries.length, 0);
    });
  });
});

/** What may happen to the file of an entry. */
const damages: Readonly<Record<string, (file: string) => void>> = {
  'was written to': (file) => {
    const { atime, mtime } = statSync(file);
    const bytes = readFileSync(file);
    bytes[size - 10]! ^= 1;
    writeFileSync(file, bytes);
    utimesSync(file, atime, mtime);
  },
  'was shortened': (file) => truncateSync(file, mebi),
  'was removed': (file) => rmSync(file),
  'was removed with its folder': (file) => rmSync(path.dirname(file), { recursive: true }),
  'was removed with all others': (file) => rmSync(path.join(file, '../..'), { recursive: true }),
};

describe('a copy', () => {
  for (const [what, damage] of Object.entries(damages))
    test(`that ${what} is fetched again, and its readers get the right bytes`, async () => {
      await withCache(async (open) => {
        const image = imageOf(7, size);
        const origin = originOf(7, image);
        damage(await cached(open, image, origin.open));
        assert.deepEqual(await read(open, image, origin.open, size - 20, size - 1), data.subarray(-20));
        assert.deepEqual(await read(open, image, origin.open), data);
        await open.cache.fetch(image, origin.open);
        assert.deepEqual(await read(open, image, origin.open), data);
        assert.deepEqual(origin.asked, [null, { first: size - 20, last: size - 1 }, null]);
        assert.equal(open.cache.figures.spoilt, 1);
      });
    });

  test('that is shortened while it is read is continued from the origin', async () => {
    await withCache(async (open) => {
      const image = imageOf(7, size);
      const origin = originOf(7, image);
      const file = await cached(open, image, origin.open);
      const chunks = await open.cache.through(image, null, origin.open);
      const parts: Buffer[] = [];
      for await (const chunk of chunks) {
        if (parts.length === 0) truncateSync(file, mebi);
        parts.push(Buffer.from(chunk));
      }
      assert.deepEqual(Buffer.concat(parts), data);
      assert.equal(open.cache.entries.length, 0);
    });
  });

  test('that is written to while it is read is not read to its end', async () => {
    await withCache(async (open) => {
      const image = imageOf(7, size);
      const origin = originOf(7, image);
      const file = await cached(open, image, origin.open);
      let received = 0;
      const drain = async () => {
        for await (const chunk of await open.cache.through(image, null, origin.open)) {
          if (received === 0) writeFileSync(file, slice(8, 0, size), { flag: 'r+' });
          received += chunk.length;
        }
      };
      await rejectsWith(drain(), 'store_unavailable');
      assert.ok(received < size);
      assert.deepEqual(await read(open, image, origin.open), data);
    });
  });

  test('that is given up while it is read is read to its end', async () => {
    await withCache(async (open) => {
      const image = imageOf(7, size);
      const origin = originOf(7, image);
      await cached(open, image, origin.open);
      const chunks = await open.cache.through(image, null, origin.open);
      assert.equal(await open.cache.drop(image.id), true);
      assert.deepEqual(await collect(chunks), data);
      assert.deepEqual(origin.asked, [null]);
    });
  });

  test('of former data of its image is not served', async () => {
    await withCache(async (open, at) => {
      const image = imageOf(7, size);
      await cached(open, image, originOf(7, image).open);
      const changed = { ...imageOf(9, mebi), id: image.id };
      assert.deepEqual(await read(open, changed, originOf(9, changed).open), slice(9, 0, mebi));
      await open.cache.fetch(changed, originOf(9, changed).open);
      assert.equal(open.cache.bytes, mebi);
      assert.equal(readdirSync(path.join(at, 'entries')).length, 1);
    });
  });

  test('whose medium has gone bad is found out', async () => {
    const at = lab.freshFolder();
    const image = imageOf(7, size);
    const open = await lab.open(at);
    const file = await cached(open, image, originOf(7, image).open);
    await open.close();
    damages['was written to']!(file);
    const facts = path.join(path.dirname(file), 'facts.json');
    const mark = markOf(statSync(file, { bigint: true }));
    writeFileSync(facts, JSON.stringify({ ...JSON.parse(readFileSync(facts, 'utf8')), mark }));
    const again = await lab.open(at);
    assert.equal(again.cache.entries.length, 1);
    await again.cache.verify();
    assert.equal(again.cache.entries.length, 0);
    await again.cache.fetch(image, originOf(7, image).open);
    await again.cache.verify();
    assert.equal(again.cache.entries.length, 1);
    await again.close();
  });
});
