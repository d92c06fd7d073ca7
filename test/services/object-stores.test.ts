/** The API with images on Ceph's S3 and on Swift, and that nothing it says has the credentials of either. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { until } from '../support/process.ts';
import { as, startServer, type TestServer } from '../support/server.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';
import { limitAccount, namesInAccount } from './swift-account.ts';

const mebi = 1024 * 1024;
const data = slice(7, 0, 20 * mebi + 11);

let s3: StoreServer;
let swift: StoreServer;
let server: TestServer;
/** All that anybody was told. */
const answers: string[] = [];

before(async () => {
  s3 = await startStoreServer('s3');
  swift = await startStoreServer('swift');
  const name = `walk-${randomBytes(6).toString('hex')}`;
  server = await startServer({
    stores: [
      { id: 'disk', type: 'file' },
      {
        id: 'ceph',
        type: 's3',
        endpoint: s3.fact('S3_ENDPOINT'),
        bucket: s3.fact('S3_BUCKET'),
        prefix: `${name}/`,
        accessKey: s3.fact('S3_ACCESS_KEY'),
        secretKey: s3.fact('S3_SECRET_KEY'),
        idleTimeout: 2,
      },
      {
        id: 'swift',
        type: 'swift',
        authVersion: 'v1',
        authUrl: swift.fact('SWIFT_AUTH_URL'),
        user: swift.fact('SWIFT_USER'),
        key: swift.fact('SWIFT_KEY'),
        container: name,
        containerFor: 'project',
        idleTimeout: 2,
      },
    ],
    images: { showDirectUrl: true, showMultipleLocations: true },
  });
});
after(async () => {
  await server?.close();
  await swift.close();
  await s3.close();
});

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

async function call(
  method: string,
  path: string,
  body?: Buffer | object,
  headers: Record<string, string> = {},
  roles = 'member,reader',
): Promise<Told> {
  const isData = Buffer.isBuffer(body);
  const type = isData ? 'application/octet-stream' : 'application/json';
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { ...as('walkers', ...roles.split(',')), 'Content-Type': type, ...headers },
    ...(body === undefined ? {} : { body: isData ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const isText = answer.headers.get('content-type')?.includes('octet-stream') !== true;
  answers.push(`${method} ${path} ${answer.status}`, ...[...answer.headers].map((pair) => pair.join(': ')));
  if (isText) answers.push(bytes.toString());
  return { status: answer.status, headers: answer.headers, bytes };
}

// biome-ignore lint/suspicious/noExplicitAny: documents of the API, looked into here and there
const json = ({ bytes }: Told): any => JSON.parse(bytes.toString());

async function create(): Promise<string> {
  const answer = await call('POST', '/v2/images', {
    name: 'walk',
    disk_format: 'raw',
    container_format: 'bare',
  });
  assert.equal(answer.status, 201);
  return json(answer).id;
}

const image = async (id: string) => json(await call('GET', `/v2/images/${id}`));

async function uploaded(store: string): Promise<string> {
  const id = await create();
  const answer = await call('PUT', `/v2/images/${id}/file`, data, { 'X-Image-Meta-Store': store });
  assert.equal(answer.status, 204, answer.bytes.toString());
  return id;
}

async function importEnds(id: string): Promise<void> {
  const task = await until(`the end of the import of ${id}`, async () => {
    const { tasks } = json(await call('GET', `/v2/images/${id}/tasks`));
    const [newest] = tasks.filter(({ type }: { type: string }) => type === 'api_image_import');
    return ['success', 'failure'].includes(newest?.status) && newest;
  });
  assert.equal(task.status, 'success', JSON.stringify(task.result));
}

for (const store of ['ceph', 'swift']) {
  describe(`an image in ${store}`, () => {
    test('goes up and comes down, whole and in parts, and goes', async () => {
      const id = await uploaded(store);
      const shown = await image(id);
      assert.deepEqual([shown.status, shown.size, shown.stores], ['active', data.length, store]);
      assert.match(
        shown.direct_url,
        store === 'ceph' ? /^s3:\/\/[^@]+$/ : /^swift\+http:\/\/[^@]+_walkers\/[^@/]+$/,
      );
      const whole = await call('GET', `/v2/images/${id}/file`);
      assert.equal(whole.status, 200);
      assert.ok(whole.bytes.equals(data));
      const part = await call('GET', `/v2/images/${id}/file`, undefined, { Range: 'bytes=8388600-8388700' });
      assert.deepEqual([part.status, part.bytes], [206, data.subarray(8388600, 8388701)]);
      assert.equal((await call('DELETE', `/v2/images/${id}`)).status, 204);
      assert.equal((await call('GET', `/v2/images/${id}/file`)).status, 404);
    });

    test('whose upload breaks off leaves it queued, and it can be uploaded again', async () => {
      const id = await create();
      const headers = { 'X-Image-Meta-Store': store, 'X-OpenStack-Image-Size': String(data.length + 1) };
      assert.equal((await call('PUT', `/v2/images/${id}/file`, data, headers)).status, 400);
      assert.equal((await image(id)).status, 'queued');
      const again = await call('PUT', `/v2/images/${id}/file`, data, { 'X-Image-Meta-Store': store });
      assert.equal(again.status, 204);
    });
  });
}

test('an import brings an image into all stores, and it can be taken out of each', async () => {
  const id = await create();
  assert.equal((await call('PUT', `/v2/images/${id}/stage`, data)).status, 204);
  const method = { name: 'glance-direct' };
  assert.equal((await call('POST', `/v2/images/${id}/import`, { method, all_stores: true })).status, 202);
  await importEnds(id);
  assert.deepEqual((await image(id)).stores.split(',').toSorted(), ['ceph', 'disk', 'swift']);
  for (const store of ['ceph', 'swift', 'disk'])
    assert.ok((await call('GET', `/v2/images/${id}/file?prefer=${store}`)).bytes.equals(data), store);
  for (const [store, left] of [
    ['disk', 'ceph,swift'],
    ['ceph', 'swift'],
  ] as const) {
    assert.equal((await call('DELETE', `/v2/stores/${store}/${id}`, undefined, {}, 'admin')).status, 204);
    assert.equal((await image(id)).stores, left);
  }
  assert.ok((await call('GET', `/v2/images/${id}/file`)).bytes.equals(data));
});

test('an image is copied from one store to the other', async () => {
  const id = await uploaded('ceph');
  const method = { name: 'copy-image' };
  const answer = await call(
    'POST',
    `/v2/images/${id}/import`,
    { method, stores: ['swift'] },
    {},
    'admin,member,reader',
  );
  assert.equal(answer.status, 202, answer.bytes.toString());
  await importEnds(id);
  assert.ok((await call('GET', `/v2/images/${id}/file?prefer=swift`)).bytes.equals(data));
});

test('stores that are away, or hang, are a 503 that says no more than it must; copies are read instead', async () => {
  const [inCeph, inSwift] = [await uploaded('ceph'), await uploaded('swift')];
  const method = { name: 'copy-image' };
  const roles = 'admin,member,reader';
  const copied = await uploaded('ceph');
  await call('POST', `/v2/images/${copied}/import`, { method, stores: ['disk'] }, {}, roles);
  await importEnds(copied);
  const refused = async (ids: readonly string[]) => {
    for (const id of ids) {
      const answer = await call('GET', `/v2/images/${id}/file`);
      assert.equal(answer.status, 503);
      assert.match(answer.bytes.toString(), /store_unavailable/);
    }
    assert.ok((await call('GET', `/v2/images/${copied}/file`)).bytes.equals(data));
    for (const store of ['ceph', 'swift']) {
      const id = await create();
      const answer = await call('PUT', `/v2/images/${id}/file`, data, { 'X-Image-Meta-Store': store });
      assert.equal(answer.status, 503);
    }
  };
  await s3.signal('rgw', 'SIGSTOP');
  await swift.signal('proxy', 'SIGSTOP');
  await refused([inCeph, inSwift]);
  const readiness = await call('GET', '/readyz');
  assert.equal(readiness.status, 200, 'the default store is there');
  const { checks } = json(readiness);
  const isWell = ['disk', 'ceph', 'swift'].map((store) => checks[`store ${store}`] === 'ok');
  assert.deepEqual(isWell, [true, false, false]);
  const details = await call('GET', '/v2/info/stores/detail', undefined, {}, 'admin');
  assert.deepEqual(
    json(details).stores.map(({ capacity }: { capacity: object }) => Object.keys(capacity).length),
    [3, 3, 3],
    'stores that hang keep nobody from learning of the others',
  );
  assert.equal((await call('GET', '/metrics')).status, 200);
  await s3.signal('rgw', 'SIGKILL');
  await swift.signal('proxy', 'SIGKILL');
  await refused([inCeph, inSwift]);
  await s3.up();
  await swift.up();
  // A store that failed again and again is left alone for some seconds.
  for (const id of [inCeph, inSwift]) {
    const answer = await until(`the data of ${id}`, async () => {
      const asked = await call('GET', `/v2/images/${id}/file`);
      return asked.status === 200 && asked;
    });
    assert.ok(answer.bytes.equals(data));
  }
});

const full = {
  ceph: {
    async set(isFull: boolean): Promise<void> {
      const quota = (...args: string[]) =>
        s3.command(
          'radosgw-admin',
          'quota',
          ...args,
          '--quota-scope=bucket',
          '--bucket',
          s3.fact('S3_BUCKET'),
        );
      await quota('set', `--max-size=${isFull ? mebi : -1}`);
      await quota(isFull ? 'enable' : 'disable');
    },
    /** With what is left of uploads in parts. */
    async names(): Promise<string[]> {
      const listed = await s3.command('radosgw-admin', 'bucket', 'list', '--bucket', s3.fact('S3_BUCKET'));
      return JSON.parse(listed).map(({ name }: { name: string }) => name);
    },
  },
  swift: {
    set: (isFull: boolean) => limitAccount(swift, isFull ? mebi : null),
    names: () => namesInAccount(swift),
  },
} as const;

describe('a store that is full', () => {
  for (const [store, { set, names }] of Object.entries(full))
    test(`as ${store} can be, is 413 with what to do, and nothing of the image is left`, async () => {
      const ids: string[] = [];
      await set(true);
      try {
        // In one piece, and in parts of which the first ones may have room.
        for (const some of [data.subarray(0, 3 * mebi), data]) {
          const id = await create();
          ids.push(id);
          const answer = await call('PUT', `/v2/images/${id}/file`, some, { 'X-Image-Meta-Store': store });
          assert.equal(answer.status, 413, answer.bytes.toString());
          const { error } = json(answer);
          assert.equal(error.reason, 'store_full');
          assert.match(answer.bytes.toString(), new RegExp(`Store ${store} has no room`));
          assert.equal((await image(id)).status, 'queued');
          const [task] = json(await call('GET', `/v2/images/${id}/tasks`)).tasks;
          assert.equal(task.status, 'failure');
        }
      } finally {
        await set(false);
      }
      const left = (await names()).filter((name) => ids.some((id) => name.includes(id)));
      assert.deepEqual(left, []);
      for (const id of ids) {
        const again = await call('PUT', `/v2/images/${id}/file`, data, { 'X-Image-Meta-Store': store });
        assert.equal(again.status, 204, again.bytes.toString());
      }
      assert.ok((await call('GET', `/v2/images/${ids[0]}/file`)).bytes.equals(data));
    });
});

test('what the stores are is told to administrators, and nothing of their credentials to anybody', async () => {
  const { stores } = json(await call('GET', '/v2/info/stores/detail', undefined, {}, 'admin'));
  const [disk, ceph, inSwift] = stores;
  assert.ok(disk.capacity.free_bytes > 0 && disk.capacity.total_bytes > disk.capacity.free_bytes);
  assert.deepEqual([ceph.type, inSwift.type], ['s3', 'swift']);
  assert.equal(ceph.properties.s3_store_thread_pools, 4);
  assert.ok(inSwift.properties.container);
  const id = await uploaded('ceph');
  await call('GET', `/v2/images/${id}/locations`, undefined, {}, 'admin,service');
  await call('GET', '/healthcheck');
  const metrics = (await call('GET', '/metrics')).bytes.toString();
  for (const figure of ['used', 'free', 'capacity'])
    assert.match(metrics, new RegExp(`^tintype_store_${figure}_bytes\\{store="disk"\\} \\d+`, 'm'));

  const told = [...answers, ...server.log].join('\n');
  assert.match(told, /s3:\/\//);
  assert.match(told, /store_unavailable/);
  assert.ok(server.log.some((line) => /a store cannot serve an image/.test(line)));
  const secrets = [
    s3.fact('S3_SECRET_KEY'),
    s3.fact('S3_ACCESS_KEY'),
    swift.fact('SWIFT_KEY'),
    'AUTH_tk',
    'X-Amz-Signature',
    'AWS4-HMAC',
  ];
  for (const secret of secrets) assert.ok(!told.includes(secret), `${secret.slice(0, 8)}… was told`);
});
