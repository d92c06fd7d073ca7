/** The swift store on a real Swift, which asks tempauth or Keystone who we are. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { digest, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import { given, rejectsWith } from '../../packages/server/src/stores/contract/cases.ts';
import { storeContract } from '../../packages/server/src/stores/store.contract.ts';
import { type SwiftStoreOptions, swiftStoreOptions } from '../../packages/server/src/stores/swift/options.ts';
import { openSwiftStore } from '../../packages/server/src/stores/swift/swift.ts';
import { until } from '../support/process.ts';
import { type Keystone, startKeystone } from './keystone.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';
import { limitAccount, limitContainer } from './swift-account.ts';

const mebi = 1024 * 1024;

let swift: StoreServer;
let keystone: Keystone;
let guarded: StoreServer;

before(async () => {
  swift = await startStoreServer('swift');
  keystone = await startKeystone();
  const env = {
    SWIFT_KEYSTONE_URL: keystone.fact('URL'),
    SWIFT_KEYSTONE_USER: 'glance',
    SWIFT_KEYSTONE_PASSWORD: keystone.fact('PASSWORD'),
    SWIFT_KEYSTONE_PROJECT: 'service',
  };
  guarded = await startStoreServer('swift', { name: 'swift-keystone', env });
  await announce();
});
after(async () => {
  await guarded.close();
  await keystone.close();
  await swift.close();
});

/** Puts the Swift behind Keystone into its catalogue, in a region of its own. */
async function announce(): Promise<void> {
  const admin = await keystone.token('admin');
  const type = { type: 'object-store', name: `swift-${region}` };
  const { service } = await keystone.call<{ service: { id: string } }>(admin, 'POST', '/services', {
    service: type,
  });
  await keystone.call(admin, 'POST', '/regions', { region: { id: region } });
  const url = `${guarded.fact('SWIFT_KEYSTONE_STORAGE_URL_PREFIX')}$(project_id)s`;
  const endpoint = { service_id: service.id, interface: 'internal', region_id: region, url };
  await keystone.call(admin, 'POST', '/endpoints', { endpoint });
}

const region = `region-${randomBytes(4).toString('hex')}`;

function fresh(more: Record<string, unknown>): SwiftStoreOptions {
  const container = `images-${randomBytes(6).toString('hex')}`;
  const options = { id: 'swift', type: 'swift', container, segmentSize: 4, ...more };
  return Value.Default(swiftStoreOptions, options) as SwiftStoreOptions;
}

const withTempauth = (more: Record<string, unknown> = {}) =>
  fresh({
    authVersion: 'v1',
    authUrl: swift.fact('SWIFT_AUTH_URL'),
    user: swift.fact('SWIFT_USER'),
    key: swift.fact('SWIFT_KEY'),
    ...more,
  });

const withKeystone = (more: Record<string, unknown> = {}) =>
  fresh({
    authUrl: keystone.fact('URL'),
    user: 'demo-member',
    key: keystone.fact('PASSWORD'),
    project: 'demo',
    region,
    interface: 'internal',
    ...more,
  });

storeContract('swift with tempauth', () => openSwiftStore(withTempauth()));
storeContract('swift with Keystone', () => openSwiftStore(withKeystone()));

describe('a large object', () => {
  test('has as many manifests as it takes, and goes with all of them', async () => {
    const options = withTempauth({ segmentSize: 1, maxSegments: 3 });
    const store = await openSwiftStore(options, { abandonedMs: -60_000, everyMs: 0 });
    const size = 20 * mebi + 3;
    assert.deepEqual(await store.put('nested', stream(4, size)), { size });
    assert.equal(await digest(await store.get('nested')), await digest(stream(4, size)));
    assert.deepEqual(await store.stat('nested'), { size });
    const listed = [];
    for await (const { key, size } of store.list()) listed.push({ key, size });
    assert.deepEqual(listed, [{ key: 'nested', size }]);
    assert.equal(await store.sweep!(), 0, 'its segments are not abandoned');
    await store.delete('nested');
    const again = await openSwiftStore({ ...options, container: `${options.container}_segments` });
    for await (const object of again.list()) assert.fail(`${object.key} is left`);
    await again.close();
    await store.close();
  });

  test('is read in ranges across its segments', async () => {
    const store = await openSwiftStore(withKeystone({ segmentSize: 1 }));
    const key = await given(store, 9 * mebi);
    let seen = 0;
    for await (const chunk of await store.get(key, { first: mebi - 1, last: 7 * mebi })) seen += chunk.length;
    assert.equal(seen, 6 * mebi + 2);
    await store.close();
  });
});

test('the URL says where the object is, and nothing of the credentials', async () => {
  const store = await openSwiftStore(withKeystone({ container: 'of images' }));
  const { host } = new URL(keystone.fact('URL'));
  assert.equal(store.urlOf!('key'), `swift+http://${host}/v3/demo/of%20images/key`);
  assert.equal(store.keyOf!(`${store.urlOf!('key')}/more`), null);
  assert.equal(store.keyOf!(store.urlOf!('key').replace('demo', 'other')), null);
  const key = await given(store, 10);
  await store.delete(key);
  await store.close();
});

test('what is in the account is told, and what the tightest quota leaves', async () => {
  const options = withTempauth();
  const store = await openSwiftStore(options);
  try {
    const before = await store.capacity!();
    assert.deepEqual([before.totalBytes, before.freeBytes], [null, null]);
    assert.ok(before.usedBytes! >= 0);
    await limitAccount(swift, 4096 * mebi);
    const ofAccount = await store.capacity!();
    assert.equal(ofAccount.totalBytes, 4096 * mebi);
    assert.equal(ofAccount.freeBytes, 4096 * mebi - ofAccount.usedBytes!);
    await limitContainer(swift, `${options.container}_segments`, 100 * mebi);
    const key = await given(store, 9 * mebi);
    const told = await until('what is in the container', async () => {
      const capacity = await store.capacity!();
      return capacity.usedBytes === 9 * mebi && capacity;
    });
    assert.deepEqual(told, { usedBytes: 9 * mebi, totalBytes: 100 * mebi, freeBytes: 91 * mebi });
    await store.delete(key);
  } finally {
    await limitAccount(swift, null);
    await store.close();
  }
});

test('where each project has a container, the account is what counts', async () => {
  const store = await openSwiftStore(withTempauth({ containerFor: 'project' }));
  const { usedBytes, totalBytes, freeBytes } = await store.capacity!();
  assert.ok(usedBytes! >= 0);
  assert.deepEqual([totalBytes, freeBytes], [null, null]);
  await store.close();
});

test('a store that is healthy says so', async () => {
  const options = withTempauth();
  const store = await openSwiftStore(options);
  await store.probe!();
  const { container } = options;
  assert.deepEqual(store.properties, { container, large_object_size: 4, large_object_chunk_size: 4 });
  await store.close();
});

describe('a store does not open', () => {
  const refused = [
    ['with a wrong key', () => withTempauth({ key: 'wrong' })],
    ['with a wrong password', () => withKeystone({ key: 'wrong' })],
    ['in a region that the catalogue lacks', () => withKeystone({ region: 'nowhere' })],
    ['in a project that is not ours', () => withKeystone({ project: 'service' })],
    ['in an account that is not ours', () => withTempauth({ user: swift.fact('SWIFT_READER_USER') })],
  ] as const;
  for (const [title, options] of refused)
    test(title, async () => await rejectsWith(openSwiftStore(options()), 'store_unavailable'));
});
