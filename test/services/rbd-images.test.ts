/** The API with images in a Ceph pool, as Nova and Cinder use them, and with a cluster that is away. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { until } from '../support/process.ts';
import { as, startServer, type TestServer } from '../support/server.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;
const data = slice(7, 0, 20 * mebi + 512);

let ceph: StoreServer;
let server: TestServer;

before(async () => {
  ceph = await startStoreServer('ceph');
  server = await startServer({
    stores: [
      { id: 'pool', type: 'rbd', confFile: ceph.fact('CEPH_CONF'), idleTimeout: 3 },
      { id: 'disk', type: 'file' },
    ],
    images: { showDirectUrl: true },
  });
});
after(async () => {
  await server?.close();
  await ceph.close();
});

interface Told {
  readonly status: number;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: documents of the API, looked into here and there
  json(): any;
}

async function call(
  method: string,
  url: string,
  body?: Buffer | object,
  headers: Record<string, string> = {},
): Promise<Told> {
  const isData = Buffer.isBuffer(body);
  const type = isData ? 'application/octet-stream' : 'application/json';
  const answer = await fetch(`${server.url}${url}`, {
    method,
    headers: { ...as('mine', 'member', 'reader'), 'Content-Type': type, ...headers },
    ...(body === undefined ? {} : { body: isData ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, bytes, json: () => JSON.parse(bytes.toString()) };
}

/** As the user of the request and Nova's own user together send it. */
const byNova = { 'X-Service-Roles': 'service' };
const byAdmin = as('mine', 'admin', 'member', 'reader');
const patch = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };

async function created(more: object = {}): Promise<string> {
  const answer = await call('POST', '/v2/images', { name: 'server', ...more });
  assert.equal(answer.status, 201);
  return answer.json().id;
}

async function uploaded(store: string): Promise<string> {
  const id = await created({ disk_format: 'raw', container_format: 'bare' });
  const answer = await call('PUT', `/v2/images/${id}/file`, data, { 'X-Image-Meta-Store': store });
  assert.equal(answer.status, 204, answer.bytes.toString());
  return id;
}

const image = async (id: string) => (await call('GET', `/v2/images/${id}`)).json();
const rbd = (...args: string[]) => ceph.command('rbd', ...args);

/** As Nova reads it: the four parts, when they are of the cluster that it uses. */
function clonable(url: string, fsid: string): { pool: string; name: string; snapshot: string } {
  const [, rest] = url.split('rbd://');
  const parts = rest!.split('/').map(decodeURIComponent);
  assert.equal(parts.length, 4);
  assert.equal(parts[0], fsid);
  return { pool: parts[1]!, name: parts[2]!, snapshot: parts[3]! };
}

test('Nova finds the store, clones an image, and the image stays as long as the clone', async () => {
  const id = await uploaded('pool');
  const { stores } = (await call('GET', '/v2/info/stores/detail', undefined, byAdmin)).json();
  const [store] = stores;
  assert.deepEqual([store.id, store.type, store.default], ['pool', 'rbd', 'true']);
  const { fsid, ...properties } = store.properties;
  assert.equal(fsid, ceph.fact('CEPH_FSID'));
  assert.deepEqual(properties, { pool: 'images', chunk_size: 8 * mebi, thin_provisioning: true });
  const [location] = (await call('GET', `/v2/images/${id}/locations`, undefined, byNova)).json();
  assert.equal(location.url, (await image(id)).direct_url);
  assert.equal(location.metadata.store, 'pool');

  const { pool, name, snapshot } = clonable(location.url, fsid);
  await rbd('--id', 'volumes', 'clone', `${pool}/${name}@${snapshot}`, `volumes/${id}_disk`);
  const refused = await call('DELETE', `/v2/images/${id}`);
  assert.deepEqual([refused.status, refused.json().error.reason], [409, 'image_in_use']);
  assert.equal((await image(id)).status, 'active');
  assert.ok((await call('GET', `/v2/images/${id}/file`)).bytes.equals(data));
  await rbd('--id', 'volumes', 'rm', '--no-progress', `volumes/${id}_disk`);
  assert.equal((await call('DELETE', `/v2/images/${id}`)).status, 204);
  await until('the room of the image', async () => {
    const left = `${await rbd('ls', 'images')}${await rbd('trash', 'ls', 'images')}`;
    return !left.includes(id);
  });
});

test('a snapshot that Nova has written into the pool becomes an image, and what it is is found out', async () => {
  // direct_snapshot: the disk is cloned into the pool of the images, flattened, and given its snapshot.
  const id = await created({ visibility: 'private', base_image_ref: 'one', instance_uuid: 'two' });
  const file = path.join(ceph.folder, 'disk');
  await writeFile(file, data);
  const disk = `volumes/${id}_disk`;
  await rbd('import', '--no-progress', file, disk);
  await rbd('snap', 'create', '--no-progress', `${disk}@for-image`);
  await rbd('snap', 'protect', `${disk}@for-image`);
  await rbd('clone', `${disk}@for-image`, `images/${id}`);
  await rbd('flatten', '--no-progress', `images/${id}`);
  await rbd('snap', 'unprotect', `${disk}@for-image`);
  await rbd('snap', 'create', '--no-progress', `images/${id}@snap`);
  await rbd('snap', 'protect', `images/${id}@snap`);

  const formats = [
    { op: 'replace', path: '/disk_format', value: 'raw' },
    { op: 'replace', path: '/container_format', value: 'bare' },
  ];
  assert.equal((await call('PATCH', `/v2/images/${id}`, formats, patch)).status, 200);
  const url = `rbd://${ceph.fact('CEPH_FSID')}/images/${id}/snap`;
  const locations = `/v2/images/${id}/locations`;
  const add = (what: string, headers = byNova as Record<string, string>) =>
    call('POST', locations, { url: what, validation_data: {} }, headers);
  assert.equal((await add(url, {})).status, 403);
  assert.equal((await add(url.replace('/images/', '/volumes/'))).status, 400);
  assert.equal((await add(url.replace(id, 'no-such-image'))).status, 400);
  assert.equal((await add(url)).status, 202);
  const active = await until('the digest of the snapshot', async () => {
    const shown = await image(id);
    return shown.os_hash_value !== null && shown;
  });
  assert.deepEqual([active.status, active.size, active.stores], ['active', data.length, 'pool']);
  assert.equal(active.os_hash_value, createHash('sha512').update(data).digest('hex'));
  assert.equal(active.direct_url, url);
  assert.ok((await call('GET', `/v2/images/${id}/file`)).bytes.equals(data));
  const part = await call('GET', `/v2/images/${id}/file`, undefined, { Range: 'bytes=8388600-8388700' });
  assert.deepEqual([part.status, part.bytes], [206, data.subarray(8388600, 8388701)]);

  const other = await created({ disk_format: 'raw', container_format: 'bare' });
  assert.equal((await call('POST', `/v2/images/${other}/locations`, { url }, byNova)).status, 400);
  assert.equal((await call('DELETE', `/v2/images/${id}`)).status, 204);
  assert.ok(!(await rbd('ls', 'images')).includes(id));
});

test('bytes that were changed in the pool are passed to nobody as whole, and a copy that is well is read instead', async () => {
  const id = await uploaded('pool');
  const { name } = clonable((await image(id)).direct_url, ceph.fact('CEPH_FSID'));
  const { block_name_prefix } = JSON.parse(await rbd('info', `images/${name}`, '--format', 'json'));
  const write = async (bytes: Buffer) => {
    const file = path.join(ceph.folder, 'written');
    await writeFile(file, bytes);
    await ceph.command('rados', '-p', 'images', 'put', `${block_name_prefix}.0000000000000000`, file);
  };
  const first = data.subarray(0, 8 * mebi);
  await write(Buffer.from(first).fill(1, 4 * mebi, 4 * mebi + 9));
  await assert.rejects(call('GET', `/v2/images/${id}/file`));
  const state = async () =>
    (await call('GET', `/v2/images/${id}/replicas`, undefined, byAdmin)).json().replicas[0].state;
  await until('the trouble', async () => (await state()) === 'failed');

  await write(first);
  assert.ok((await call('GET', `/v2/images/${id}/file`)).bytes.equals(data));
  await until('the recovery', async () => (await state()) === 'active');
  const method = { name: 'copy-image' };
  const copy = { method, stores: ['disk'] };
  assert.equal((await call('POST', `/v2/images/${id}/import`, copy, byAdmin)).status, 202);
  await until('the copy', async () => (await image(id)).stores === 'pool,disk');
  await write(Buffer.from(first).fill(2, 4 * mebi, 4 * mebi + 9));
  await assert.rejects(call('GET', `/v2/images/${id}/file?prefer=pool`));
  await until('the trouble again', async () => (await state()) === 'failed');
  assert.ok((await call('GET', `/v2/images/${id}/file?prefer=pool`)).bytes.equals(data));
});

test('a cluster that is away is a 503 in time, everything else goes on, and it is used again when it is back', async () => {
  const [id, elsewhere] = [await uploaded('pool'), await uploaded('disk')];
  await ceph.signal('osd.0', 'SIGSTOP');
  const began = performance.now();
  const asked = call('GET', `/v2/images/${id}/file`);
  assert.ok((await call('GET', `/v2/images/${elsewhere}/file`)).bytes.equals(data));
  const answer = await asked;
  assert.deepEqual([answer.status, answer.json().error.reason], [503, 'store_unavailable']);
  assert.ok(performance.now() - began < 60_000);
  const queued = await created({ disk_format: 'raw', container_format: 'bare' });
  const put = await call('PUT', `/v2/images/${queued}/file`, data, { 'X-Image-Meta-Store': 'pool' });
  assert.equal(put.status, 503);
  assert.equal((await image(queued)).status, 'queued');
  assert.equal((await call('GET', '/readyz')).status, 503);
  await ceph.signal('osd.0', 'SIGKILL');
  await ceph.up();
  const read = async () => {
    const told = await call('GET', `/v2/images/${id}/file`);
    return told.status === 200 && told;
  };
  // Who may have read from a server that was killed has to be out of time first.
  const back = await until('the data', read, 120_000);
  assert.ok(back.bytes.equals(data));
  const again = await call('PUT', `/v2/images/${queued}/file`, data, { 'X-Image-Meta-Store': 'pool' });
  assert.equal(again.status, 204, again.bytes.toString());
});
