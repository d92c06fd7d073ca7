/** kill -9 of a server that writes to and reads from a Ceph pool: nothing of it stays in the pool, and nothing is lost. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { makeHome, type ServerHome, type ServerProcess, until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;
const data = slice(31, 0, 24 * mebi);

let ceph: StoreServer;
let home: ServerHome;
let server: ServerProcess;

before(async () => {
  ceph = await startStoreServer('ceph');
  home = await makeHome({ stores: [{ id: 'pool', type: 'rbd', confFile: ceph.fact('CEPH_CONF') }] });
  server = await home.start();
});
after(async () => {
  await home?.remove();
  await ceph.close();
});

const headers = as('mine', 'member', 'reader');

async function call(method: string, url: string, body?: object | Buffer): Promise<Response> {
  const isData = Buffer.isBuffer(body);
  return await fetch(`${server.url}${url}`, {
    method,
    headers: { ...headers, 'Content-Type': isData ? 'application/octet-stream' : 'application/json' },
    ...(body === undefined ? {} : { body: isData ? new Uint8Array(body) : JSON.stringify(body) }),
  });
}

async function created(): Promise<string> {
  const answer = await call('POST', '/v2/images', { disk_format: 'raw', container_format: 'bare' });
  return ((await answer.json()) as { id: string }).id;
}

const statusOf = async (id: string) =>
  ((await (await call('GET', `/v2/images/${id}`)).json()) as { status: string }).status;

/** Names in the pool. What is in its trash goes once the cluster takes the client for gone, after half a minute. */
const inPool = () => ceph.command('rbd', 'ls', 'images');

/** An upload that has begun, and goes no further. */
async function uploading(id: string): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const path = `/v2/images/${id}/file`;
  const type = { 'Content-Type': 'application/octet-stream' };
  const sent = request({ hostname, port, method: 'PUT', path, headers: { ...headers, ...type } });
  sent.on('error', () => {});
  sent.write(data);
  await until('the image in the pool', async () => (await inPool()).includes(id));
}

/** A download that has begun, and goes no further. */
async function downloading(id: string): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const asked = request({ hostname, port, path: `/v2/images/${id}/file`, headers });
  asked.on('error', () => {});
  asked.end();
  const [response] = await once(asked, 'response');
  response.on('error', () => {});
  await once(response, 'readable');
}

test('an upload that was cut leaves nothing, and what was being read is there, and can go', async () => {
  const [whole, cut] = [await created(), await created()];
  assert.equal((await call('PUT', `/v2/images/${whole}/file`, data)).status, 204);
  await uploading(cut);
  await downloading(whole);
  await server.kill();

  server = await home.start();
  await until('the end of the upload', async () => (await statusOf(cut)) === 'queued');
  const read = await call('GET', `/v2/images/${whole}/file`);
  assert.ok(Buffer.from(await read.arrayBuffer()).equals(data));
  assert.equal((await call('DELETE', `/v2/images/${whole}`)).status, 204);
  const isEmpty = async () => {
    const names = await inPool();
    return !names.includes(cut) && !names.includes(whole);
  };
  await until('the end of both', isEmpty);
  assert.equal((await call('PUT', `/v2/images/${cut}/file`, data)).status, 204);
  assert.equal(await statusOf(cut), 'active');
});
