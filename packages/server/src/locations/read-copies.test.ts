/** Reading goes on at another copy, at the byte where the first one failed, and wrong bytes are never passed off as right. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { testDatabase } from '../../../../test/support/database.ts';
import { Failure } from '../base/failure.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import { slice, stream } from '../stores/contract/bytes.ts';
import { openFileStore } from '../stores/file/file.ts';
import { openedStores, type Stores } from '../stores/registry.ts';
import type { LocalStore, Store } from '../stores/store.ts';
import { activeLocations, insertLocation, type Location } from './location-records.ts';
import { readCopies, type Wanted } from './read-copies.ts';
import { nearestFirst } from './reading-order.ts';

const size = 3 * 1024 * 1024 + 17;
const data = slice(7, 0, size);
const digest = { algorithm: 'sha256', value: createHash('sha256').update(data).digest('hex') };
const whole = { first: 0, last: size - 1 };
const log = createLog('silent');

let folder: string;
let database: Database;
let closeDatabase: () => Promise<void>;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-copies-'));
  const own = await testDatabase();
  database = await connect(own.config, { max: 4, applicationName: 'test', log });
  closeDatabase = async () => {
    await database.close();
    await own.close();
  };
});
after(async () => {
  await closeDatabase();
  await rm(folder, { recursive: true, force: true });
});

/** `store`, whose reads deliver `bytes` and then fail. */
function breaking(store: Store, bytes: number): Store & { isWell: boolean; asked: number } {
  return {
    id: store.id,
    type: 'file',
    weight: store.weight,
    description: null,
    isWell: false,
    asked: 0,
    put: (key, body, signal) => store.put(key, body, signal),
    async get(key, range) {
      this.asked += 1;
      const chunks = await store.get(key, range);
      return this.isWell ? chunks : cut(chunks, bytes);
    },
    stat: (key) => store.stat(key),
    delete: (key) => store.delete(key),
    list: () => store.list(),
    close: () => store.close(),
  };
}

async function* cut(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array, undefined> {
  let left = bytes;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
    if (left === 0) break;
  }
  throw new Failure('store_unavailable', 'The line is cut.');
}

async function file(weight: number): Promise<LocalStore> {
  const id = `store-${randomUUID()}`;
  return await openFileStore({ id, type: 'file', path: path.join(folder, id), weight });
}

interface Setting {
  readonly parts: { readonly stores: Stores; readonly database: Database; readonly log: typeof log };
  readonly copies: Location[];
  read(options?: Partial<Wanted>): Promise<Buffer>;
  /** Resolves once each copy has this trouble. */
  troubles(expected: readonly (string | null)[]): Promise<void>;
}

/** One image, with the same data in each of the stores. */
async function copiesIn(all: readonly Store[]): Promise<Setting> {
  const stores = openedStores(all, await file(0));
  const parts = { stores, database, log };
  const imageId = randomUUID();
  for (const store of all) {
    await store.put(imageId, stream(7, size));
    await insertLocation(database.db, { image_id: imageId, store: store.id, key: imageId }, 'active');
  }
  const now = () => activeLocations(database.db, imageId);
  return {
    parts,
    copies: await now(),
    async read(options = {}) {
      const copies = nearestFirst(stores, await now(), [], size);
      const chunks: Buffer[] = [];
      for await (const chunk of await readCopies(parts, { copies, size, range: whole, digest, ...options }))
        chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    },
    async troubles(expected) {
      const limit = Date.now() + 10_000;
      for (;;) {
        const found = (await now()).map(({ trouble }) => trouble);
        if (JSON.stringify(found) === JSON.stringify(expected)) return;
        if (Date.now() > limit) assert.deepEqual(found, expected);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const unavailable = { code: 'store_unavailable' };

describe('where a copy fails', () => {
  test('in the middle, another goes on at that byte, and the digest is right', async () => {
    const [bad, good] = [breaking(await file(1), 1_500_000), await file(0)];
    const { read, troubles } = await copiesIn([bad, good]);
    assert.ok((await read()).equals(data));
    assert.equal(bad.asked, 1);
    const range = { first: 1_000_000, last: 2_999_999 };
    assert.ok((await read({ range })).equals(data.subarray(1_000_000, 3_000_000)));
    await troubles([null, null]);
  });

  test('again and again, it is left alone, and comes back when it serves', async () => {
    const [bad, good] = [breaking(await file(1), 10), await file(0)];
    const { read, parts } = await copiesIn([bad, good]);
    for (let count = 0; count < 6; count += 1) assert.ok((await read()).equals(data));
    assert.equal(bad.asked, 3);
    assert.ok(parts.stores.health.isResting(bad.id));
  });

  test('and there is no other, the reading fails, without an end that looks right', async () => {
    const { read } = await copiesIn([breaking(await file(0), 1_000_000), breaking(await file(0), 1_000)]);
    await assert.rejects(read(), unavailable);
  });

  test('because it is gone, it is recorded as missing, comes last, and is forgiven when it is back', async () => {
    const [gone, good] = [await file(1), await file(0)];
    const { read, troubles, copies } = await copiesIn([gone, good]);
    await gone.delete(copies[0]!.key);
    assert.ok((await read()).equals(data));
    await troubles(['missing', null]);
    await gone.put(copies[0]!.key, stream(7, size));
    await good.delete(copies[1]!.key);
    assert.ok((await read()).equals(data), 'nothing is skipped while it may serve');
    await troubles([null, 'missing']);
  });

  test('because it was shortened, another serves, and it is recorded as failed', async () => {
    const [short, good] = [await file(1), await file(0)];
    const { read, troubles, copies } = await copiesIn([short, good]);
    await truncate(path.join(folder, short.id, copies[0]!.key), 1_000_000);
    assert.ok((await read()).equals(data));
    await troubles(['failed', null]);
  });
});

describe('wrong bytes', () => {
  test('of a copy are not ended, and another copy serves from then on', async () => {
    const [wrong, good] = [await file(1), await file(0)];
    const { read, troubles, copies, parts } = await copiesIn([wrong, good]);
    await wrong.delete(copies[0]!.key);
    await wrong.put(copies[0]!.key, stream(8, size));
    let received = 0;
    const chunks = await readCopies(parts, { copies, size, range: whole, digest });
    const reading = async () => {
      for await (const chunk of chunks) received += chunk.length;
    };
    await assert.rejects(reading(), /digest/);
    assert.ok(received < size, 'the end is not given');
    await troubles(['failed', null]);
    assert.ok((await read()).equals(data));
  });

  test('are not noticed in a part, nor where nobody asks for the digest', async () => {
    const wrong = await file(1);
    const { read, copies } = await copiesIn([wrong]);
    await wrong.delete(copies[0]!.key);
    await wrong.put(copies[0]!.key, stream(8, size));
    assert.equal((await read({ range: { first: 0, last: 9 } })).length, 10);
    assert.equal((await read({ digest: null })).length, size);
  });
});

test('a reader that leaves early, or never begins, leaves nothing open', async () => {
  const { parts, copies } = await copiesIn([await file(0)]);
  const open = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);
  const opened = open();
  const wanted = { copies, size, range: whole, digest: null };
  const never = await readCopies(parts, wanted);
  await never.return!();
  assert.deepEqual(await never.next(), { done: true, value: undefined });
  for await (const chunk of await readCopies(parts, wanted)) {
    assert.ok(chunk.length > 0);
    break;
  }
  assert.equal(open(), opened);
});
