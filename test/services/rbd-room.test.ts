/** How much a pool can still take, told by a cluster that has a manager, and by one that has none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Value } from 'typebox/value';
import { given } from '../../packages/server/src/stores/contract/cases.ts';
import { rbdStoreOptions } from '../../packages/server/src/stores/rbd/options.ts';
import { openRbdStore } from '../../packages/server/src/stores/rbd/rbd.ts';
import { type Store, type StoreCapacity, unknownCapacity } from '../../packages/server/src/stores/store.ts';
import { until } from '../support/process.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;

let plain: StoreServer;
let managed: StoreServer;

before(async () => {
  plain = await startStoreServer('ceph');
  managed = await startStoreServer('ceph', { name: 'ceph-managed', env: { CEPH_MGR: '1' } });
});
after(async () => {
  await managed.close();
  await plain.close();
});

async function opened(ceph: StoreServer): Promise<Store> {
  const options = { id: 'rbd', type: 'rbd', confFile: ceph.fact('CEPH_CONF') };
  return await openRbdStore(Value.Default(rbdStoreOptions, options) as never);
}

const limit = (bytes: number) =>
  managed.command('ceph', 'osd', 'pool', 'set-quota', 'images', 'max_bytes', String(bytes));

/** Its manager counts every few seconds. */
async function told(store: Store, isSo: (capacity: StoreCapacity) => boolean): Promise<StoreCapacity> {
  return await until(
    'what the cluster counts',
    async () => {
      const capacity = await store.capacity!();
      return isSo(capacity) && capacity;
    },
    60_000,
  );
}

test('a pool tells what is in it and what fits, and a quota bounds both', async () => {
  const store = await opened(managed);
  try {
    const empty = await told(store, ({ totalBytes }) => totalBytes !== null);
    assert.equal(empty.totalBytes, empty.usedBytes! + empty.freeBytes!);
    const key = await given(store, 20 * mebi);
    await told(store, ({ usedBytes }) => usedBytes! >= 20 * mebi);
    await limit(100 * mebi);
    const bound = await told(store, ({ totalBytes }) => totalBytes === 100 * mebi);
    assert.equal(bound.freeBytes, 100 * mebi - bound.usedBytes!);
    await limit(mebi);
    const full = await told(store, ({ totalBytes }) => totalBytes === mebi);
    assert.equal(full.freeBytes, 0);
    await limit(0);
    await told(store, ({ totalBytes }) => totalBytes! > 100 * mebi);
    await store.delete(key);
  } finally {
    await limit(0);
    await store.close();
  }
});

test('a cluster without a manager counts nothing, and serves', async () => {
  const store = await opened(plain);
  assert.deepEqual(await store.capacity!(), unknownCapacity);
  await store.probe!();
  await store.close();
});

test('a store can be closed while it asks', async () => {
  const store = await opened(managed);
  await store.probe!();
  const asked = store.capacity!().catch(() => null);
  await store.close();
  await asked;
});
