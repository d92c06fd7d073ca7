/** A swift store with several containers on a real Swift: which object goes where, and that it is found there whatever is set later. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { collect, digest, slice, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import { assertAbsent, listedKeys, rejectsWith } from '../../packages/server/src/stores/contract/cases.ts';
import type { Store } from '../../packages/server/src/stores/store.ts';
import { type SwiftStoreOptions, swiftStoreOptions } from '../../packages/server/src/stores/swift/options.ts';
import { openSwiftStore } from '../../packages/server/src/stores/swift/swift.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;
const large = 9 * mebi + 5;

let swift: StoreServer;
let token: string;
const opened: Store[] = [];

before(async () => {
  swift = await startStoreServer('swift');
  const headers = { 'X-Auth-User': swift.fact('SWIFT_USER'), 'X-Auth-Key': swift.fact('SWIFT_KEY') };
  token = (await fetch(swift.fact('SWIFT_AUTH_URL'), { headers })).headers.get('x-auth-token')!;
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
after(() => swift.close());

function fresh(more: Partial<SwiftStoreOptions>): SwiftStoreOptions {
  return Value.Default(swiftStoreOptions, {
    id: 'swift',
    type: 'swift',
    authVersion: 'v1',
    authUrl: swift.fact('SWIFT_AUTH_URL'),
    user: swift.fact('SWIFT_USER'),
    key: swift.fact('SWIFT_KEY'),
    container: `images-${randomBytes(6).toString('hex')}`,
    segmentSize: 1,
    ...more,
  }) as SwiftStoreOptions;
}

/** Sweeps whatever is unfinished. */
async function open(options: SwiftStoreOptions): Promise<Store> {
  const store = await openSwiftStore(options, { abandonedMs: -60_000, everyMs: 0 });
  opened.push(store);
  return store;
}

async function asked(method: string, path: string, body?: string): Promise<string> {
  const url = `${swift.fact('SWIFT_STORAGE_URL')}/${path}`;
  const answer = await fetch(url, { method, headers: { 'X-Auth-Token': token }, body });
  assert.ok(answer.ok || answer.status === 404, `${method} ${path}: ${answer.status}`);
  return answer.status === 404 ? '' : await answer.text();
}

/** What Swift itself says is in a container; nothing when there is no such container. */
const namesIn = async (container: string) =>
  (await asked('GET', container)).split('\n').filter((name) => name !== '');

test('each project has a container, with one for segments, and what belongs to none is in that of the store', async () => {
  const temporaryUrlKey = swift.fact('SWIFT_TEMP_URL_KEY');
  const options = fresh({ containerFor: 'project', redirectSeconds: 300, temporaryUrlKey });
  const { container } = options;
  const store = await open(options);
  const projects = ['4f3c', 'other-project', null] as const;
  const names = projects.map(() => `${randomUUID()}.x`);
  const keys = names.map((name, index) => store.keyFor!(name, projects[index]!));
  for (const [index, key] of keys.entries()) await store.put(key, stream(index + 1, large));
  for (const [index, project] of projects.entries()) {
    const place = project === null ? container : `${container}_${project}`;
    assert.deepEqual(await namesIn(place), [names[index]]);
    assert.equal((await namesIn(`${place}_segments`)).length, 10);
    const url = store.urlOf!(keys[index]!);
    assert.ok(url.endsWith(`/${place}/${names[index]}`), url);
    assert.equal(store.keyOf!(url), keys[index]);
    const signed = await fetch((await store.signedUrlOf!(keys[index]!))!);
    assert.equal(await digest(signed.body!), await digest(stream(index + 1, large)));
  }
  assert.deepEqual((await listedKeys(store)).toSorted(), keys.toSorted());
  assert.equal(await store.sweep!(), 0, 'none of the segments is abandoned');
  for (const key of keys) {
    await rejectsWith(store.put(key, stream(1, 1)), 'image_exists');
    await store.delete(key);
    await assertAbsent(store, key);
  }
  assert.deepEqual(await namesIn(`${container}_4f3c_segments`), []);
});

test('a project whose id is no name of a container has one all the same', async () => {
  const store = await open(fresh({ containerFor: 'project' }));
  const odd = ['a/b', 'x'.repeat(65), 'segments', 'images_segments', 'Zürich', ''];
  const keys = odd.map((project) => store.keyFor!('name', project));
  assert.equal(new Set(keys).size, odd.length);
  for (const key of keys) {
    assert.match(key, /^name@[0-9a-f]{32}$/);
    await store.put(key, stream(1, 10));
    assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 10));
    assert.equal(store.keyOf!(store.urlOf!(key)), key);
  }
});

test('the first characters of an image spread them, as in the reference', async () => {
  const name = '1f2e3d4c-5b6a-4798-8899-aabbccddeeff.x';
  for (const [containerSeed, suffix] of [
    [1, '1'],
    [8, '1f2e3d4c'],
    [9, '1f2e3d4c-5'],
    [32, name.slice(0, 36)],
  ] as const) {
    const store = await open(fresh({ containerFor: 'seed', containerSeed }));
    assert.equal(store.keyFor!(name, 'project'), `${name}@${suffix}`);
  }
});

test('what was stored under other settings is read, listed, kept by the sweep and deleted', async () => {
  const base = fresh({});
  const settings = ['store', 'project', 'seed'] as const;
  const stored = new Map<string, number>();
  for (const [index, containerFor] of settings.entries()) {
    const store = await open({ ...base, containerFor });
    const key = store.keyFor!(`${randomUUID()}.x`, 'demo');
    await store.put(key, stream(index, large));
    stored.set(key, index);
  }
  for (const containerFor of settings) {
    const store = await open({ ...base, containerFor });
    assert.deepEqual((await listedKeys(store)).toSorted(), [...stored.keys()].toSorted());
    assert.equal(await store.sweep!(), 0);
    for (const [key, seed] of stored) {
      assert.equal(await digest(await store.get(key)), await digest(stream(seed, large)));
      assert.equal(store.keyOf!(store.urlOf!(key)), key);
    }
  }
  const store = await open(base);
  for (const key of stored.keys()) await store.delete(key);
  assert.deepEqual(await listedKeys(store), []);
});

describe('of containers whose names begin alike', () => {
  test('only those that the store has made are its own', async () => {
    const options = fresh({ containerFor: 'project' });
    const { container } = options;
    const neighbour = await open({ ...options, container: `${container}_neighbour` });
    await neighbour.put('theirs', stream(1, 10));
    await asked('PUT', `${container}_backup`);
    await asked('PUT', `${container}_backup/theirs`, 'x');
    const store = await open(options);
    const key = store.keyFor!('ours', 'demo');
    await store.put(key, stream(1, 10));
    assert.deepEqual(await listedKeys(store), [key]);
    // Another process has made it.
    assert.deepEqual(await listedKeys(await open(options)), [key]);
    assert.deepEqual(await listedKeys(neighbour), ['theirs']);
  });

  test('segments that a killed process left are removed in each', async () => {
    const options = fresh({ containerFor: 'project' });
    const store = await open(options);
    const key = store.keyFor!('kept', 'demo');
    await store.put(key, stream(1, large));
    const segments = `${options.container}_demo_segments`;
    await asked('PUT', `${segments}/0123456789abcdef/lost/0-00000001`, 'left');
    const again = await open(options);
    assert.equal(await again.sweep!(), 1);
    assert.equal((await namesIn(segments)).length, 10);
    assert.equal(await digest(await again.get(key)), await digest(stream(1, large)));
  });
});

test('a container that somebody has removed is made again', async () => {
  const options = fresh({ containerFor: 'project' });
  const store = await open(options);
  const key = store.keyFor!('name', 'demo');
  await store.put(key, stream(1, 10));
  await store.delete(key);
  for (const end of ['', '_segments']) await asked('DELETE', `${options.container}_demo${end}`);
  await rejectsWith(store.get(key), 'not_found');
  await rejectsWith(store.put(key, stream(1, 10)), 'store_unavailable');
  await store.put(key, stream(1, 10));
  assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 10));
});

test('keys that name no container of ours reach nothing', async () => {
  const store = await open(fresh({ containerFor: 'project' }));
  for (const key of ['x@', 'x@a@b', 'x@a/b', 'x@../a', 'x@segments', 'x@a_segments', '@a', 'a/b@c']) {
    await rejectsWith(store.put(key, stream(1, 10)), 'not_found');
    await rejectsWith(store.get(key), 'not_found');
    await rejectsWith(store.delete(key), 'not_found');
  }
  const url = store.urlOf!('key');
  for (const other of [url.replace(/images-[0-9a-f]+/, 'others'), `${url}/x`, url.replace('/key', '_/key')])
    assert.equal(store.keyOf!(other), null);
  await assertAbsent(store, 'nothing@of-a-project-without-images');
  await store.delete('nothing@of-a-project-without-images');
});
