/** Several stores: which there are, where an image is, and which of them is read from (API sections 2, 4, 6). */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

const skip = needsOwnServer;
const data = bytes(1000);
let single: Target;
let several: Target;

before(async () => {
  single = await openTarget();
  several = await openTarget({
    stores: [
      { id: 'slow', type: 'file', description: 'spinning disks' },
      { id: 'fast', type: 'file', weight: 10 },
    ],
    defaultStore: 'fast',
    images: { showDirectUrl: true },
  });
});
after(async () => {
  await several.close();
  await single.close();
});

test('a server with one store speaks of none', { skip }, async () => {
  const [member, admin] = [new Client(single, 'member'), new Client(single, 'admin')];
  for (const client of [member, admin])
    for (const at of ['/v2/info/stores', '/v2/info/stores/detail'])
      refused(await client.get(at), 'single_store');
  const made = await member.post('/v2/images', raw);
  assert.equal(made.headers['openstack-image-store-ids'], undefined);
  assert.equal((await member.upload(made.json.id, data, { 'X-Image-Meta-Store': 'none' })).status, 204);
  const image = (await member.show(made.json.id)).json;
  assert.equal('stores' in image, false);
  assert.equal('direct_url' in image, false);
  const { versions } = (await member.get('/versions')).json;
  const ids = versions.map(({ id }: Json) => id);
  for (const id of ['v2.8', 'v2.10', 'v2.11', 'v2.13']) assert.equal(ids.includes(id), false, id);
});

test('the stores are listed with text flags', { skip }, async () => {
  const { json } = await new Client(several, 'member').get('/v2/info/stores');
  assert.deepEqual(json, {
    stores: [
      { id: 'slow', description: 'spinning disks' },
      { id: 'fast', default: 'true' },
    ],
  });
});

test('their details are for administrators and services', { skip }, async () => {
  refused(await new Client(several, 'member').get('/v2/info/stores/detail'), 'forbidden');
  const { stores } = (await new Client(several, 'admin').get('/v2/info/stores/detail')).json;
  assert.deepEqual(
    stores.map(({ id, type, weight }: Json) => [id, type, weight]),
    [
      ['slow', 'file', 0],
      ['fast', 'file', 10],
    ],
  );
  assert.match(stores[0].properties.data_dir, /\/images\/slow$/);
  for (const { capacity } of stores) {
    const { used_bytes: used, total_bytes: total, free_bytes: free } = capacity;
    assert.ok(used > 0 && free > 0 && used + free <= total, JSON.stringify(capacity));
  }
});

test('several stores are announced, and a new image says which there are', { skip }, async () => {
  const member = new Client(several, 'member');
  const ids = (await member.get('/versions')).json.versions.map(({ id }: Json) => id);
  for (const id of ['v2.8', 'v2.13', 'v2.15']) assert.ok(ids.includes(id), id);
  const made = await member.post('/v2/images', raw);
  assert.equal(made.headers['openstack-image-store-ids'], 'slow,fast');
  assert.equal('stores' in made.json, false);
});

test('an image says in which store it is, when shown, listed and changed', { skip }, async () => {
  const member = new Client(several, 'member');
  const { id } = await member.create(raw);
  refused(await member.upload(id, data, { 'X-Image-Meta-Store': 'none' }), 'unknown_store');
  assert.equal((await member.upload(id, data, { 'X-Image-Meta-Store': 'slow' })).status, 204);
  const other = await member.createActive(data);
  assert.equal((await member.show(id)).json.stores, 'slow');
  assert.equal(other.stores, 'fast');
  const { images } = (await member.get(`/v2/images?id=in:${id},${other.id}`)).json;
  assert.deepEqual(images.map(({ stores }: Json) => stores).sort(), ['fast', 'slow']);
  const changed = await member.patch(id, [{ op: 'replace', path: '/name', value: 'x' }]);
  assert.equal(changed.json.stores, 'slow');
  const etag = String((await member.show(id)).headers.etag);
  assert.equal((await member.patch(id, [], 'v2.1', { 'If-Match': etag })).status, 200);
  refused(await member.patch(id, [{ op: 'replace', path: '/stores', value: 'x' }]), 'read_only');
  const schema = (await member.get('/v2/schemas/image')).json;
  assert.equal(schema.properties.stores.type, 'string');
  assert.equal(schema.properties.direct_url.readOnly, true);
  assert.equal('locations' in schema.properties, false);
});

test('the direct URL is shown to those who may see locations', { skip }, async () => {
  const member = new Client(several, 'member');
  const image = await member.createActive(data, { visibility: 'community' });
  assert.match(image.direct_url, new RegExp(`^file:///.*/images/fast/${image.id}`));
  for (const role of ['reader', 'admin'] as const)
    assert.equal((await new Client(several, role).show(image.id)).json.direct_url, image.direct_url);
  const seen = (await new Client(several, 'other').show(image.id)).json;
  assert.equal('direct_url' in seen, false);
  assert.equal(seen.stores, 'fast');
});

test('an image is deleted from the store it is in', { skip }, async () => {
  const member = new Client(several, 'member');
  const { id } = await member.create(raw);
  await member.upload(id, data, { 'X-Image-Meta-Store': 'slow' });
  const stored = async () => (await several.server!.storedFiles()).filter((name) => name.startsWith(id));
  assert.equal((await stored()).length, 1);
  assert.equal((await member.delete(`/v2/images/${id}`)).status, 204);
  assert.deepEqual(await stored(), []);
});

test('a store that is away is 503, and the others go on', { skip }, async () => {
  const member = new Client(several, 'member');
  const { id } = await member.create(raw);
  await member.upload(id, data, { 'X-Image-Meta-Store': 'slow' });
  await rm(path.join(several.server!.config.dataDir, 'images', 'slow'), { recursive: true });
  refused(await member.download(id), 'store_unavailable');
  assert.equal((await member.show(id)).json.stores, 'slow');
  const other = await member.createActive(data);
  assert.deepEqual((await member.download(other.id)).body, data);
});

test('an image is removed from a store only while it is in another', { skip }, async () => {
  const member = new Client(several, 'member');
  const admin = new Client(several, 'admin');
  const image = await member.createActive(data);
  const queued = await member.create(raw);
  refused(await admin.delete(`/v2/stores/none/${image.id}`), 'no_such_store');
  refused(await admin.delete('/v2/stores/fast/none'), 'image_not_found');
  refused(await member.delete(`/v2/stores/fast/${image.id}`), 'forbidden');
  refused(await admin.delete(`/v2/stores/fast/${queued.id}`), 'status_conflict');
  refused(await admin.delete(`/v2/stores/fast/${image.id}`), 'last_location');
  refused(await new Client(several, 'other').delete(`/v2/stores/fast/${image.id}`), 'image_not_found');
  refused(await new Client(single, 'admin').delete(`/v2/stores/local/${image.id}`), 'single_store');
  assert.deepEqual((await member.download(image.id)).body, data);
});
