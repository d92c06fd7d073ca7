/** The s3 store on two servers that have nothing in common: Ceph's gateway and Swift's. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import dns from 'node:dns';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { digest, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import { given, rejectsWith } from '../../packages/server/src/stores/contract/cases.ts';
import { type S3StoreOptions, s3StoreOptions } from '../../packages/server/src/stores/s3/options.ts';
import { openS3Store } from '../../packages/server/src/stores/s3/s3.ts';
import { storeContract } from '../../packages/server/src/stores/store.contract.ts';
import { unknownCapacity } from '../../packages/server/src/stores/store.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;

let ceph: StoreServer;
let swift: StoreServer;

before(async () => {
  ceph = await startStoreServer('s3');
  swift = await startStoreServer('swift');
  namesBelowLocalhost();
});
after(async () => {
  await ceph.close();
  await swift.close();
});

/** Browsers and curl take them for loopback; the system's resolver does not everywhere. */
function namesBelowLocalhost(): void {
  const usual = dns.lookup;
  dns.lookup = ((name: string, ...rest: unknown[]) =>
    (usual as (...all: unknown[]) => void)(
      name.endsWith('.localhost') ? 'localhost' : name,
      ...rest,
    )) as never;
}

function fresh(more: Record<string, unknown>): S3StoreOptions {
  const prefix = `${randomBytes(6).toString('hex')}/`;
  return Value.Default(s3StoreOptions, { id: 's3', type: 's3', prefix, ...more }) as S3StoreOptions;
}

const atCeph = (more: Record<string, unknown> = {}) =>
  fresh({
    endpoint: ceph.fact('S3_ENDPOINT'),
    bucket: ceph.fact('S3_BUCKET'),
    accessKey: ceph.fact('S3_ACCESS_KEY'),
    secretKey: ceph.fact('S3_SECRET_KEY'),
    ...more,
  });

const atSwift = (more: Record<string, unknown> = {}) =>
  fresh({
    endpoint: swift.fact('SWIFT_S3_ENDPOINT'),
    bucket: swift.fact('SWIFT_CONTAINER'),
    accessKey: swift.fact('SWIFT_S3_ACCESS_KEY'),
    secretKey: swift.fact('SWIFT_S3_SECRET_KEY'),
    maxParts: 1000,
    ...more,
  });

storeContract('s3 on Ceph', () => openS3Store(atCeph()));
storeContract('s3 on Ceph, over TLS, bucket in the host', () =>
  openS3Store(
    atCeph({
      endpoint: ceph.fact('S3_TLS_ENDPOINT'),
      caFile: ceph.fact('S3_CA_FILE'),
      addressing: 'virtual',
    }),
  ),
);
storeContract('s3 on Swift', () => openS3Store(atSwift()));

for (const [title, options] of [
  ['Ceph', atCeph],
  ['Swift', atSwift],
] as const) {
  describe(`on ${title}`, () => {
    test('parts that grow make one object', async () => {
      const store = await openS3Store(options({ partSize: 5, maxParts: 16 }));
      const size = 71 * mebi + 5;
      assert.deepEqual(await store.put('grown', stream(8, size)), { size });
      assert.equal(await digest(await store.get('grown')), await digest(stream(8, size)));
      const range = { first: 14 * mebi, last: 47 * mebi };
      let seen = 0;
      for await (const chunk of await store.get('grown', range)) seen += chunk.length;
      assert.equal(seen, 33 * mebi + 1);
      await store.delete('grown');
      await store.close();
    });

    test('an object of more parts than allowed is refused, and nothing is left', async () => {
      const store = await openS3Store(options({ partSize: 5, maxParts: 2 }), { abandonedMs: -1, everyMs: 0 });
      await rejectsWith(store.put('large', stream(1, 100 * mebi)), 'store_full');
      await rejectsWith(store.stat('large'), 'not_found');
      assert.equal(await store.sweep!(), 0);
      await store.close();
    });

    test('stores with prefixes of their own do not see each other', async () => {
      const [one, other] = [await openS3Store(options()), await openS3Store(options())];
      const key = await given(one, 10);
      await rejectsWith(other.stat(key), 'not_found');
      for await (const object of other.list()) assert.fail(`listed ${object.key}`);
      assert.equal(other.keyOf!(one.urlOf!(key)), null);
      await one.close();
      await other.close();
    });
  });
}

test('the URL says where the object is, and nothing of the credentials', async () => {
  const [plain, secure] = [
    await openS3Store(atCeph({ prefix: 'images/' })),
    await openS3Store(atCeph({ endpoint: ceph.fact('S3_TLS_ENDPOINT'), caFile: ceph.fact('S3_CA_FILE') })),
  ];
  assert.equal(plain.urlOf!('key'), `s3://${new URL(ceph.fact('S3_ENDPOINT')).host}/images/images/key`);
  assert.match(secure.urlOf!('key'), /^s3\+https:\/\/localhost:\d+\/images\/[0-9a-f]+\/key$/);
  assert.equal(plain.keyOf!(`${plain.urlOf!('key')}/more`), null);
  assert.equal(plain.keyOf!(secure.urlOf!('key')), null);
  await plain.close();
  await secure.close();
});

test('encryption at rest is asked for', async () => {
  // This gateway has no key for it and says so: a store that ignores the wish would say nothing.
  const store = await openS3Store(atCeph({ encryption: 'AES256' }));
  await rejectsWith(store.put('secret', stream(1, 10)), 'store_unavailable');
  await store.close();
});

/** `size` as `radosgw-admin` takes it; -1: no limit. */
async function limit(scope: 'bucket' | 'user', size: string): Promise<void> {
  const of = scope === 'bucket' ? ['--bucket', ceph.fact('S3_BUCKET')] : ['--uid', 'images'];
  const quota = (...args: string[]) =>
    ceph.command('radosgw-admin', 'quota', ...args, `--quota-scope=${scope}`, ...of);
  await quota('set', `--max-size=${size}`);
  await quota(size === '-1' ? 'disable' : 'enable');
}

test('a gateway of Ceph tells what is in the bucket, and what a quota leaves', async () => {
  const store = await openS3Store(atCeph());
  const told = () => store.capacity!();
  try {
    await limit('bucket', '-1');
    const before = await told();
    assert.deepEqual([before.totalBytes, before.freeBytes], [null, null]);
    const key = await given(store, mebi);
    assert.equal((await told()).usedBytes! - before.usedBytes!, mebi);
    await limit('bucket', '4G');
    const { usedBytes, totalBytes, freeBytes } = await told();
    assert.deepEqual([totalBytes, freeBytes], [4096 * mebi, 4096 * mebi - usedBytes!]);
    await limit('user', '2G');
    const bound = await told();
    assert.deepEqual([bound.totalBytes, bound.freeBytes], [2048 * mebi, null], 'others may use it up');
    await store.delete(key);
  } finally {
    await limit('bucket', '-1');
    await limit('user', '-1');
    await store.close();
  }
});

test('a server that tells no quotas is not asked to invent them', async () => {
  const store = await openS3Store(atSwift());
  assert.deepEqual(await store.capacity!(), unknownCapacity);
  await store.close();
});

test('a store that is healthy says so', async () => {
  const store = await openS3Store(atCeph());
  await store.probe!();
  assert.deepEqual(store.properties, {
    s3_store_large_object_size: 8,
    s3_store_large_object_chunk_size: 8,
    s3_store_thread_pools: 4,
  });
  await store.close();
});
