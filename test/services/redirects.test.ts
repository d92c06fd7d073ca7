/** Clients sent to Ceph's S3 and to Swift for data: only those that ask, may have it, and for a short time. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ImageClient } from '@tintype/client';
import { slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { until } from '../support/process.ts';
import { as, startServer, type TestServer } from '../support/server.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;
/** More than one segment of Swift. */
const data = slice(7, 0, 9 * mebi + 11);
const name = `redirects of ${randomBytes(6).toString('hex')}`;
const member = as('walkers', 'member', 'reader');
const admin = as('walkers', 'admin');

let s3: StoreServer;
let swift: StoreServer;
let server: TestServer;
/** Whose stores send nobody anywhere, or whose data has to be looked at. */
let others: TestServer[];

function stores(redirectSeconds: number) {
  const atS3 = {
    type: 's3',
    bucket: s3.fact('S3_BUCKET'),
    prefix: `${name.replaceAll(' ', '-')}/`,
    accessKey: s3.fact('S3_ACCESS_KEY'),
    secretKey: s3.fact('S3_SECRET_KEY'),
  } as const;
  const atSwift = {
    type: 'swift',
    authVersion: 'v1',
    authUrl: swift.fact('SWIFT_AUTH_URL'),
    user: swift.fact('SWIFT_USER'),
    key: swift.fact('SWIFT_KEY'),
    segmentSize: 4,
    temporaryUrlKey: swift.fact('SWIFT_TEMP_URL_KEY'),
  } as const;
  const [inside, outside] = [s3.fact('S3_ENDPOINT'), swift.fact('SWIFT_STORAGE_URL')];
  const elsewhere = (url: string) => `http://localhost:${new URL(url).port}`;
  const brief = redirectSeconds === 0 ? 0 : 3;
  return [
    { id: 'disk', type: 'file' },
    { ...atS3, id: 'ceph', endpoint: inside, redirectSeconds },
    { ...atSwift, id: 'swift', container: name, redirectSeconds },
    { ...atS3, id: 'ceph-brief', endpoint: inside, prefix: `brief-${atS3.prefix}`, redirectSeconds: brief },
    { ...atSwift, id: 'swift-brief', container: `brief ${name}`, redirectSeconds: brief },
    {
      ...atS3,
      id: 'ceph-outside',
      endpoint: inside,
      prefix: `outside-${atS3.prefix}`,
      redirectSeconds,
      redirectEndpoint: elsewhere(inside),
    },
    {
      ...atSwift,
      id: 'swift-outside',
      container: `outside ${name}`,
      redirectSeconds,
      redirectEndpoint: elsewhere(outside),
    },
  ] as const;
}

before(async () => {
  s3 = await startStoreServer('s3');
  swift = await startStoreServer('swift');
  server = await startServer({ stores: [...stores(600)] });
  others = [
    await startServer({ stores: [...stores(0)] }),
    await startServer({ stores: [...stores(600)], images: { verifyDownloads: 'always' } }),
  ];
});
after(async () => {
  for (const one of [server, ...(others ?? [])]) await one?.close();
  await swift.close();
  await s3.close();
});

const call = (method: string, path: string, headers: object, body?: object | Buffer, at = server) =>
  fetch(`${at.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      'Content-Type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json',
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { body: Buffer.isBuffer(body) ? Uint8Array.from(body) : JSON.stringify(body) }),
  });

async function uploaded(store: string, at = server, bytes = data): Promise<string> {
  const formats = { disk_format: 'raw', container_format: 'bare' };
  const { id } = (await (await call('POST', '/v2/images', member, formats, at)).json()) as { id: string };
  const headers = { ...member, 'X-Image-Meta-Store': store };
  const { status } = await call('PUT', `/v2/images/${id}/file`, headers, bytes, at);
  assert.equal(status, 204);
  return id;
}

const ask = (id: string, { headers = {}, at = server, query = '?redirect=true' } = {}) =>
  call('GET', `/v2/images/${id}/file${query}`, { ...member, ...headers }, undefined, at);

async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

async function sentTo(id: string, query?: string): Promise<string> {
  const answer = await ask(id, query === undefined ? {} : { query });
  assert.equal(answer.status, 307, await answer.text());
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return answer.headers.get('location')!;
}

/** Spoils the last letter of the signature. */
function spoilt(url: string): string {
  return url.replace(/(ignature|temp_url_sig)=([0-9a-f]+)/, (_, word, digits: string) => {
    const last = digits.endsWith('0') ? '1' : '0';
    return `${word}=${digits.slice(0, -1)}${last}`;
  });
}

for (const store of ['ceph', 'swift'])
  describe(`to ${store}`, () => {
    test('goes who asks, for exactly these bytes', async () => {
      const id = await uploaded(store);
      const url = await sentTo(id);
      const answer = await fetch(url);
      assert.equal(answer.status, 200);
      assert.ok((await bytesOf(answer)).equals(data));
      const part = await fetch(url, { headers: { Range: 'bytes=4194300-4194310' } });
      assert.equal(part.status, 206);
      assert.deepEqual(await bytesOf(part), data.subarray(4194300, 4194311));
      assert.equal((await ask(id, { query: '' })).status, 200);
      assert.equal((await ask(id, { query: '?redirect=false' })).status, 200);
      for (const query of ['?redirect=', '?redirect=yes'])
        assert.equal((await ask(id, { query })).status, 400);
    });

    test('the URL is good for nothing else, and holds no secret', async () => {
      const [url, other] = [await sentTo(await uploaded(store)), await sentTo(await uploaded(store))];
      const refused = async (changed: string, init: RequestInit = {}) => {
        const { status } = await fetch(changed, init);
        assert.ok([401, 403].includes(status), `${status} for ${init.method ?? 'GET'}`);
      };
      await refused(url.replace(/\?.*/, ''));
      await refused(spoilt(url));
      await refused(`${other.replace(/\?.*/, '')}?${new URL(url).searchParams}`);
      await refused(url, { method: 'PUT', body: 'x' });
      await refused(url, { method: 'DELETE' });
      assert.equal((await fetch(url, { headers: { Range: 'bytes=0-0' } })).status, 206, 'it is still there');
      for (const secret of [s3.fact('S3_SECRET_KEY'), swift.fact('SWIFT_TEMP_URL_KEY')])
        assert.ok(!url.includes(secret));
      const logged = server.log.join('');
      assert.ok(!/Signature|temp_url_sig/.test(logged), 'a URL was logged');
    });

    test('the URL is good for its time only', async () => {
      const id = await uploaded(`${store}-brief`, server, slice(1, 0, 1000));
      const statusOf = async (url: string) => {
        const answer = await fetch(url);
        await answer.arrayBuffer();
        return answer.status;
      };
      // On a machine that is busy one may be too old before it is used.
      const url = await until('a URL is good', async () => {
        const fresh = await sentTo(id);
        return (await statusOf(fresh)) === 200 && fresh;
      });
      await until('it is refused', async () => [401, 403].includes(await statusOf(url)));
    });

    test('the URL begins with what clients reach the store by', async () => {
      const url = await sentTo(await uploaded(`${store}-outside`));
      assert.match(url, /^http:\/\/localhost:\d+\//);
      assert.ok((await bytesOf(await fetch(url))).equals(data));
    });

    test('the rights are those of a download', async () => {
      const id = await uploaded(store);
      assert.equal((await ask(id, { headers: as('strangers', 'member', 'reader') })).status, 404);
      assert.equal((await ask(id, { headers: as('walkers', 'reader') })).status, 403);
      assert.equal((await ask(id, { headers: { 'X-Identity-Status': 'Invalid' } })).status, 401);
      const etag = (await ask(id, { query: '' })).headers.get('etag')!;
      assert.equal((await ask(id, { headers: { 'If-None-Match': etag } })).status, 304);
      assert.equal((await ask(id, { headers: { 'If-Match': '"other"' } })).status, 412);
      assert.equal((await call('POST', `/v2/images/${id}/actions/deactivate`, admin)).status, 204);
      assert.equal((await ask(id)).status, 403);
      assert.equal((await ask(id, { headers: admin })).status, 200);
    });

    test('nobody goes when the operator wants it so, or the data is to be verified', async () => {
      for (const at of others) {
        const answer = await ask(await uploaded(store, at), { at });
        assert.equal(answer.status, 200);
        assert.ok((await bytesOf(answer)).equals(data));
      }
    });

    test('the client follows, verifies, and the server carries nothing', async () => {
      const id = await uploaded(store);
      const carried = async () =>
        /^tintype_image_bytes_sent_total (\d+)/m.exec(await (await call('GET', '/metrics', {})).text())![1];
      const before = await carried();
      const client = new ImageClient({
        endpoint: server.url,
        fetch: (url, init) =>
          fetch(
            url,
            String(url).startsWith(server.url) ? { ...init, headers: { ...init?.headers, ...member } } : init,
          ),
      });
      const stream = await client.downloadData(id, {
        verify: (algorithm) => createHash(algorithm),
        redirect: true,
      });
      assert.ok((await bytesOf(new Response(stream))).equals(data));
      assert.equal(await carried(), before);
    });
  });

test('of several copies it is the nearest that is well', async () => {
  const id = await uploaded('disk');
  const disk = await ask(id);
  assert.equal(disk.status, 200);
  assert.ok((await bytesOf(disk)).equals(data));
  const importing = { method: { name: 'copy-image' }, stores: ['ceph', 'swift'] };
  const answer = await call('POST', `/v2/images/${id}/import`, as('walkers', 'admin', 'member'), importing);
  assert.equal(answer.status, 202);
  await until('both copies are there', async () => {
    const shown = (await (await call('GET', `/v2/images/${id}`, member)).json()) as { stores: string };
    return shown.stores.split(',').length === 3;
  });
  const [ceph, inSwift] = [new URL(s3.fact('S3_ENDPOINT')), new URL(swift.fact('SWIFT_STORAGE_URL'))];
  assert.equal(new URL(await sentTo(id, '?redirect=true&prefer=ceph')).host, ceph.host);
  const url = await sentTo(id, '?redirect=true&prefer=swift');
  assert.equal(new URL(url).host, inSwift.host);

  const login = await fetch(swift.fact('SWIFT_AUTH_URL'), {
    headers: { 'X-Auth-User': swift.fact('SWIFT_USER'), 'X-Auth-Key': swift.fact('SWIFT_KEY') },
  });
  const token = { 'X-Auth-Token': login.headers.get('x-auth-token')! };
  const { status } = await fetch(url.replace(/\?.*/, ''), { method: 'DELETE', headers: token });
  assert.equal(status, 204);
  assert.equal(new URL(await sentTo(id, '?redirect=true&prefer=swift')).host, ceph.host);
  await until('the copy is known to be missing', async () => {
    const replicas = await (await call('GET', `/v2/images/${id}/replicas`, member)).text();
    return replicas.includes('"missing"');
  });
});
