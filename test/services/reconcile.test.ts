/** Reconciling on every store there is: the same differences are found, told and repaired in each, and nothing else is touched. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { createLog } from '../../packages/server/src/base/log.ts';
import { connect, type Database } from '../../packages/server/src/database/connect.ts';
import { activeLocations, insertLocation } from '../../packages/server/src/locations/location-records.ts';
import { collect, slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { rejectsWith } from '../../packages/server/src/stores/contract/cases.ts';
import { openFileStore } from '../../packages/server/src/stores/file/file.ts';
import { type RbdStoreOptions, rbdStoreOptions } from '../../packages/server/src/stores/rbd/options.ts';
import { openRbdStore } from '../../packages/server/src/stores/rbd/rbd.ts';
import { openedStores, type Stores } from '../../packages/server/src/stores/registry.ts';
import { type S3StoreOptions, s3StoreOptions } from '../../packages/server/src/stores/s3/options.ts';
import { openS3Store } from '../../packages/server/src/stores/s3/s3.ts';
import type { LocalStore, Store } from '../../packages/server/src/stores/store.ts';
import { type SwiftStoreOptions, swiftStoreOptions } from '../../packages/server/src/stores/swift/options.ts';
import { openSwiftStore } from '../../packages/server/src/stores/swift/swift.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { aged, bytes, type RunOptions, reconciled, recorded } from '../support/reconcile-lab.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const log = createLog('silent');
/** More than one part, segment and object. */
const data = slice(21, 0, 9 * 1024 * 1024);
const name = `reconcile-${randomBytes(6).toString('hex')}`;

let servers: StoreServer[] = [];
let folder: string;
let own: TestDatabase;
let database: Database;
let staging: LocalStore;
let disk: Store;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-reconcile-'));
  own = await testDatabase();
  database = await connect(own.config, { max: 4, applicationName: 'test', log });
  staging = await openFileStore({ id: 'staging', type: 'file', path: path.join(folder, 'staging') });
  disk = await openFileStore({ id: 'disk', type: 'file', path: path.join(folder, 'disk') });
  for (const kind of ['s3', 'swift', 'ceph'] as const) servers.push(await startStoreServer(kind));
});
after(async () => {
  for (const server of servers) await server.close();
  servers = [];
  await staging.close();
  await disk.close();
  await database.close();
  await own.close();
  await rm(folder, { recursive: true });
});

const kinds: Readonly<Record<string, (servers: readonly StoreServer[]) => Promise<Store>>> = {
  s3: ([s3]) => {
    const place = { endpoint: s3!.fact('S3_ENDPOINT'), bucket: s3!.fact('S3_BUCKET'), prefix: `${name}/` };
    const keys = { accessKey: s3!.fact('S3_ACCESS_KEY'), secretKey: s3!.fact('S3_SECRET_KEY') };
    const options = { id: 'real', type: 's3', partSize: 5, ...place, ...keys };
    return openS3Store(Value.Default(s3StoreOptions, options) as S3StoreOptions);
  },
  swift: ([, swift]) => {
    const authUrl = swift!.fact('SWIFT_AUTH_URL');
    const keys = { authVersion: 'v1', user: swift!.fact('SWIFT_USER'), key: swift!.fact('SWIFT_KEY') };
    const options = { id: 'real', type: 'swift', authUrl, container: name, segmentSize: 4, ...keys };
    return openSwiftStore(Value.Default(swiftStoreOptions, options) as SwiftStoreOptions);
  },
  rbd: ([, , ceph]) => {
    const options = { id: 'real', type: 'rbd', confFile: ceph!.fact('CEPH_CONF') };
    return openRbdStore(Value.Default(rbdStoreOptions, options) as RbdStoreOptions);
  },
};

for (const [kind, open] of Object.entries(kinds)) {
  describe(`in a ${kind} store`, () => {
    let store: Store;
    let stores: Stores;
    before(async () => {
      store = await open(servers);
      stores = openedStores([aged(store), disk], staging);
    });
    after(async () => {
      await database.db.deleteFrom('image_locations').execute();
      await store.close();
    });

    /** A pool has what other tests have left, too. */
    const run = async (keys: readonly string[], options: RunOptions) =>
      (await reconciled({ database, stores, log }, options))
        .filter(({ key }) => key !== null && keys.includes(key))
        .map(({ kind: what, key, repaired }) => `${what} ${key} ${repaired}`)
        .toSorted();

    test('what differs is found, and what can be repaired is', async () => {
      const [well, gone, short] = [
        await recorded(database, store, data),
        await recorded(database, store, data, null),
        await recorded(database, store, data, data.subarray(1)),
      ];
      const wrong = await recorded(database, store, data, slice(22, 0, data.length));
      const orphan = `${randomUUID()}.0123456789ab`;
      const foreign = `volume-of-${name}`;
      for (const key of [orphan, foreign]) await store.put(key, bytes(data));
      const keys = [...[well, gone, short, wrong].map(({ key }) => key), orphan, foreign];

      const known = (isRepaired: boolean) => [
        `foreign ${foreign} false`,
        `missing ${gone.key} ${isRepaired}`,
        `orphan ${orphan} ${isRepaired}`,
        `size ${short.key} ${isRepaired}`,
      ];
      assert.deepEqual(await run(keys, {}), known(false).toSorted());
      const digest = (isRepaired: boolean) => `digest ${wrong.key} ${isRepaired}`;
      assert.deepEqual(await run(keys, { scrub: 1 }), [...known(false), digest(false)].toSorted());
      assert.deepEqual(
        await run(keys, { scrub: 1, repair: true }),
        [...known(true), digest(true)].toSorted(),
      );

      await rejectsWith(store.stat(orphan), 'not_found');
      assert.ok((await collect(await store.get(well.key))).equals(data));
      assert.deepEqual(await store.stat(foreign), { size: data.length });
      const troubles: unknown[] = [];
      for (const { id } of [well, gone, short, wrong])
        troubles.push((await activeLocations(database.db, id))[0]!.trouble);
      assert.deepEqual(troubles, [null, 'missing', 'failed', 'failed']);
    });

    test('a copy that is wrong is made anew from one that is well in another store', async () => {
      const wrong = await recorded(database, store, data, slice(23, 0, data.length));
      await disk.put(wrong.key, bytes(data));
      await insertLocation(database.db, { image_id: wrong.id, store: disk.id, key: wrong.key }, 'active');
      assert.deepEqual(await run([wrong.key], { scrub: 1, repair: true }), [`digest ${wrong.key} true`]);
      const [anew, kept] = await activeLocations(database.db, wrong.id);
      assert.deepEqual([anew!.store, anew!.trouble, kept!.store], [store.id, null, disk.id]);
      assert.ok((await collect(await store.get(anew!.key))).equals(data));
      await rejectsWith(store.stat(wrong.key), 'not_found');
    });

    test('what is young is nobody’s orphan', async () => {
      const key = `${randomUUID()}.0123456789ab`;
      await store.put(key, bytes(data));
      const young = openedStores([store], staging);
      const found = await reconciled({ database, stores: young, log }, { repair: true });
      assert.ok(!found.some((finding) => finding.key === key));
      assert.deepEqual(await store.stat(key), { size: data.length });
    });
  });
}
