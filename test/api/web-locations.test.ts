/** Images whose data is on a web server of somebody else (API sections 2, 3, 5 and 6). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { after, before, test } from 'node:test';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { serve, startWebSource, type WebSource } from '../support/web-source.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

const skip = needsOwnServer;
const data = bytes(300_000);
const sha512 = createHash('sha512').update(data).digest('hex');
let source: WebSource;
let target: Target;
let member: Client;
/** Of every request that the source has had. */
const methods = new Set<string | undefined>();

const pages: Record<string, RequestListener> = {
  '/image': (request, response) => serve(request, response, { bytes: data, headers: { ETag: '"1"' } }),
  '/plain': (request, response) => serve(request, response, { bytes: data }),
  '/secret': (_request, response) => response.writeHead(403).end(),
  '/metadata': (_request, response) =>
    response.writeHead(302, { Location: 'http://169.254.169.254/latest' }).end(),
  '/unknown-size': (_request, response) => {
    response.write('x');
    response.end('y');
  },
};

before(async () => {
  source = await startWebSource((request, response) => {
    methods.add(request.method);
    const page = pages[request.url ?? ''];
    if (page === undefined) response.writeHead(404).end();
    else page(request, response);
  });
  target = await openTarget({
    stores: [
      { id: 'web', type: 'http', allowPrivateAddresses: true, allowedPorts: [] },
      { id: 'local', type: 'file' },
    ],
    images: { showDirectUrl: true, showMultipleLocations: true },
  });
  member = new Client(target, 'member');
});
after(async () => {
  await target.close();
  await source.close();
});

const give = (id: string, page: string, more = {}) =>
  member.post(`/v2/images/${id}/locations`, { url: `${source.url}${page}`, ...more });

/** The image once its location was read. */
async function settled(id: string): Promise<Json> {
  while ((await member.tasks(id)).some(({ status }) => status === 'processing'));
  return (await member.show(id)).json;
}

async function located(page = '/image'): Promise<Json> {
  const { id } = await member.create(raw);
  assert.equal((await give(id, page)).status, 202);
  return await settled(id);
}

test('the store is listed as read-only, is no default, and takes no uploads', { skip }, async () => {
  const { stores } = (await member.get('/v2/info/stores')).json;
  assert.deepEqual(stores, [
    { id: 'web', 'read-only': 'true' },
    { id: 'local', default: 'true' },
  ]);
  const made = await member.post('/v2/images', raw);
  assert.equal(made.headers['openstack-image-store-ids'], 'web,local');
  const { id } = made.json;
  refused(await member.upload(id, data, { 'X-Image-Meta-Store': 'web' }), 'store_read_only');
  assert.equal(await member.status(id), 'queued');
});

test('an image on a web server is downloaded through this one', { skip }, async () => {
  for (const page of ['/image', '/plain']) {
    const image = await located(page);
    assert.deepEqual([image.status, image.size, image.stores], ['active', data.length, 'web']);
    assert.equal(image.direct_url, `${source.url}${page}`);
    assert.equal(image.os_hash_value, sha512);
    assert.deepEqual((await member.download(image.id)).body, data);
    const part = await member.download(image.id, { Range: 'bytes=1000-1009' });
    assert.equal(part.status, 206);
    assert.deepEqual(part.body, data.subarray(1000, 1010));
  }
});

test('what it must be is checked before it is active (OSSN-0065)', { skip }, async () => {
  const { id } = await member.create(raw);
  const wrong = { os_hash_algo: 'sha256', os_hash_value: 'a'.repeat(64) };
  assert.equal((await give(id, '/image', { validation_data: wrong })).status, 202);
  const back = await settled(id);
  assert.deepEqual([back.status, back.size, back.locations], ['queued', null, []]);
  const [task] = await member.tasks(id);
  assert.deepEqual([task.type, task.status], ['location_import', 'failure']);
  assert.match(task.message, /sha256 of the data is .* The image is queued again\.$/);
  const right = { os_hash_algo: 'sha512', os_hash_value: sha512 };
  assert.equal((await give(id, '/image', { validation_data: right })).status, 202);
  assert.equal((await settled(id)).status, 'active');
});

test('a location is added by PATCH, and beside it data of our own', { skip }, async () => {
  const { id } = await member.create(raw);
  const url = `${source.url}/image`;
  const add = { op: 'add', path: '/locations/-', value: { url, metadata: {} } };
  const changed = await member.patch(id, [add]);
  assert.equal(changed.status, 200, changed.body.toString());
  assert.deepEqual([changed.json.status, changed.json.locations.length], ['active', 1]);
  assert.equal((await settled(id)).os_hash_value, sha512);
  const old = { add: '/locations/-', value: { url: `${source.url}/plain`, metadata: {} } };
  assert.equal((await member.patch(id, [old], 'v2.0')).status, 200);
  const admin = new Client(target, 'admin');
  assert.equal((await admin.patch(id, [{ op: 'remove', path: '/locations/0' }])).status, 200);
  assert.deepEqual((await member.download(id)).body, data);
  assert.equal((await admin.delete(`/v2/stores/web/${id}`)).status, 403);
});

test('what cannot be registered is told to who gives the URL, and to nobody else', { skip }, async () => {
  const { id } = await member.create(raw);
  refused(await give(id, '/nothing'), 'invalid_location');
  refused(await give(id, '/secret'), 'source_refused');
  refused(await give(id, '/metadata'), 'address_blocked');
  refused(await give(id, '/unknown-size'), 'source_size_unknown');
  for (const url of [
    'http://169.254.169.254/latest',
    'ftp://one.example/x',
    source.url.replace('//', '//a:b@'),
  ])
    refused(await member.post(`/v2/images/${id}/locations`, { url }), 'invalid_location');
  assert.equal(await member.status(id), 'queued');
});

test('a source that fails later is 503, with nothing said of where it is', { skip }, async () => {
  pages['/later'] = pages['/plain']!;
  const { id } = await located('/later');
  delete pages['/later'];
  const answer = await member.download(id);
  refused(answer, 'store_unavailable');
  assert.ok(!answer.body.includes('127.0.0.1') && !answer.body.includes('later'));
});

test('deleting the image leaves alone what is not ours', { skip }, async () => {
  const { id } = await located();
  assert.equal((await member.delete(`/v2/images/${id}`)).status, 204);
  assert.deepEqual(
    [...methods].filter((method) => method !== 'GET' && method !== 'HEAD'),
    [],
  );
  assert.equal((await located()).status, 'active', 'and others may name it again');
});
