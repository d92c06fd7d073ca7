/** The locations of an image: who may see and set them, and what is refused (API section 5). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { as } from '../support/server.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

const skip = needsOwnServer;
const data = bytes(1000);
const url = 'https://one.example/image';
let target: Target;
let member: Client;

before(async () => {
  target = await openTarget({ images: { showMultipleLocations: true } });
  member = new Client(target, 'member');
});
after(() => target.close());

const at = ({ id }: Json) => `/v2/images/${id}/locations`;
/** As another service on behalf of the member. */
const service = { 'X-Service-Roles': 'service' };

test('version 2.17 is announced', { skip }, async () => {
  const { versions } = (await member.get('/versions')).json;
  assert.ok(versions.some(({ id }: Json) => id === 'v2.17'));
});

test('services and administrators see where the bytes are', { skip }, async () => {
  const image = await member.createActive(data, { visibility: 'community' });
  for (const role of ['member', 'reader', 'other'] as const)
    refused(await new Client(target, role).get(at(image)), 'forbidden');
  for (const answer of [
    await new Client(target, 'admin').get(at(image)),
    await member.get(at(image), service),
    await member.get(at(image), as('services', 'service', 'reader')),
  ]) {
    assert.equal(answer.status, 200, answer.body.toString());
    assert.deepEqual(answer.json, image.locations);
    assert.match(answer.json[0].url, /^file:\/\/\/.*\/images\/local\//);
    assert.deepEqual(answer.json[0].metadata, { store: 'local' });
  }
  const queued = await member.create(raw);
  assert.deepEqual((await member.get(at(queued), service)).json, []);
  assert.deepEqual(queued.locations, []);
});

test('locations show to the owner alone, and are not written at creation', { skip }, async () => {
  const image = await member.createActive(data, { visibility: 'community' });
  assert.equal(image.locations.length, 1);
  assert.equal('locations' in (await new Client(target, 'other').show(image.id)).json, false);
  const { images } = (await member.get(`/v2/images?id=${image.id}`)).json;
  assert.deepEqual(images[0].locations, image.locations);
  refused(await member.post('/v2/images', { locations: image.locations }), 'read_only');
  const schema = (await member.get('/v2/schemas/image')).json;
  assert.equal(schema.properties.locations.type, 'array');
});

test('bodies that are no location are refused', { skip }, async () => {
  const image = await member.create(raw);
  for (const body of [
    [],
    {},
    { url: 5 },
    { url: '' },
    { url, metadata: {} },
    { url, validation_data: { checksum: 'x' } },
    { url, validation_data: { os_hash_algo: 'crc32', os_hash_value: 'x' } },
  ])
    refused(await member.post(at(image), body), 'bad_request');
  for (const validation_data of [
    { os_hash_algo: 'sha256' },
    { os_hash_value: 'a'.repeat(64) },
    { os_hash_algo: 'sha256', os_hash_value: 'x'.repeat(64) },
    { os_hash_algo: 'sha256', os_hash_value: 'a'.repeat(63) },
  ])
    refused(await member.post(at(image), { url, validation_data }, service), 'invalid_attribute');
});

test('files of the server, and what no store takes, are no locations', { skip }, async () => {
  const image = await member.create(raw);
  const { locations } = await member.createActive(data);
  for (const bad of [
    'file:///etc/passwd',
    locations[0].url,
    'filesystem:///etc',
    'swift+config://a/b',
    url,
  ]) {
    refused(await member.post(at(image), { url: bad }, service), 'invalid_location');
    const add = { op: 'add', path: '/locations/-', value: { url: bad, metadata: {} } };
    refused(await member.patch(image.id, [add], 'v2.1', service), 'invalid_location');
  }
  refused(await member.post(at(image), { url }), 'forbidden', /no store for locations/);
  assert.equal(await member.status(image.id), 'queued');
});

test('only a queued image with formats takes a location', { skip }, async () => {
  const image = await member.createActive(data);
  refused(await member.post(at(image), { url }, service), 'status_conflict');
  refused(await member.post(at(await member.create()), { url }, service), 'formats_unset');
});

test('the last location stays where it is (OSSA-2016-006)', { skip }, async () => {
  const { id } = await member.createActive(data);
  const admin = new Client(target, 'admin');
  refused(await member.patch(id, [{ op: 'remove', path: '/locations/0' }]), 'forbidden');
  refused(await admin.patch(id, [{ op: 'remove', path: '/locations/0' }]), 'last_location');
  refused(await member.patch(id, [{ op: 'replace', path: '/locations', value: [] }]), 'last_location');
  assert.deepEqual((await member.download(id)).body, data);
});

test('the metadata of a location are described anew', { skip }, async () => {
  const { id, locations } = await member.createActive(data);
  const value = [{ url: locations[0].url, metadata: { rack: '7' } }];
  const changed = await member.patch(id, [{ op: 'replace', path: '/locations', value }]);
  assert.equal(changed.status, 200, changed.body.toString());
  assert.deepEqual(changed.json.locations, [
    { url: locations[0].url, metadata: { rack: '7', store: 'local' } },
  ]);
  assert.deepEqual((await member.download(id)).body, data);
});
