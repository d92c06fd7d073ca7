/** The copies of an image: how they are told, made and removed, and what of them is nobody's business. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { filesIn, until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';
import { importEnd } from './import-client.ts';

const skip = needsOwnServer;
const data = bytes(100_000);
let target: Target;
let member: Client;
let admin: Client;

before(async () => {
  if (skip !== false) return;
  target = await openTarget({ stores: ['one', 'two'].map((id) => ({ id, type: 'file' as const })) });
  member = new Client(target, 'member');
  admin = new Client(target, 'admin');
});
after(() => target?.close());

const at = ({ id }: Json) => `/v2/images/${id}/replicas`;

async function loseBytes(image: Json, store: string): Promise<void> {
  const folder = `${target.server!.config.dataDir}/images/${store}`;
  const [name] = (await filesIn(folder)).filter((one) => one.startsWith(image.id));
  await rm(`${folder}/${name}`);
}

const statesOf = async (image: Json) => {
  const { health, replicas } = (await member.get(at(image))).json;
  return [health, ...replicas.map(({ store, state }: Json) => `${store} ${state}`)];
};

test('a copy is told with what it holds', { skip }, async () => {
  const queued = await member.create(raw);
  assert.deepEqual((await member.get(at(queued))).json, { health: 'empty', replicas: [] });
  const image = await member.createActive(data);
  const { health, replicas } = (await member.get(at(image))).json;
  assert.equal(health, 'healthy');
  const [{ id, created_at, ...copy }] = replicas;
  const { disk_format, container_format, checksum, os_hash_algo, os_hash_value } = image;
  assert.deepEqual(copy, {
    image_id: image.id,
    store: 'one',
    state: 'active',
    ...{ disk_format, container_format, size: data.length, checksum, os_hash_algo, os_hash_value },
    disk_sha256: null,
    checked_at: null,
    self: `${at(image)}/${id}`,
  });
  assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000);
  assert.ok(!JSON.stringify(replicas).includes(target.server!.config.dataDir), 'no path is told');
});

test('a further copy is made, and one of several is removed', { skip }, async () => {
  const image = await member.createActive(data);
  refused(await member.post(at(image), { store: 'two' }), 'forbidden');
  assert.equal((await admin.post(at(image), { store: 'two' })).status, 202);
  await importEnd(admin, image.id);
  assert.deepEqual(await statesOf(image), ['healthy', 'one active', 'two active']);
  refused(await admin.post(at(image), { store: 'two' }), 'replica_exists');
  refused(await admin.post(at(image), { store: 'three' }), 'no_such_store');
  refused(await admin.post(at(image), { store: 'two', container_format: 'bare' }), 'bad_request');

  const [first] = (await member.get(at(image))).json.replicas;
  refused(await new Client(target, 'reader').delete(first.self), 'forbidden');
  assert.equal((await admin.delete(first.self)).status, 204);
  assert.deepEqual(await statesOf(image), ['healthy', 'two active']);
  assert.ok((await member.get(`/v2/images/${image.id}/file`)).body.equals(data));
  const [last] = (await member.get(at(image))).json.replicas;
  refused(await admin.delete(last.self), 'last_location');
});

test('a copy that is lost is told, read no more, and can be removed; the last that is well cannot', {
  skip,
}, async () => {
  const image = await member.createActive(data);
  await admin.post(at(image), { store: 'two' });
  await importEnd(admin, image.id);
  await loseBytes(image, 'one');
  assert.ok(
    (await member.get(`/v2/images/${image.id}/file?prefer=one`)).body.equals(data),
    'the other copy serves',
  );
  await until('the loss is recorded', async () => (await statesOf(image))[0] === 'degraded', 10_000);
  assert.deepEqual(await statesOf(image), ['degraded', 'one missing', 'two active']);
  const [lost, well] = (await member.get(at(image))).json.replicas;
  assert.ok(lost.checked_at);
  refused(await admin.delete(well.self), 'last_location');
  refused(await admin.delete(`/v2/stores/two/${image.id}`), 'last_location');
  assert.equal((await admin.delete(lost.self)).status, 204);
  assert.deepEqual(await statesOf(image), ['healthy', 'two active']);
});

test('an image of which no copy is left says so, and stays an image', { skip }, async () => {
  const image = await member.createActive(data);
  await loseBytes(image, 'one');
  refused(await member.get(`/v2/images/${image.id}/file`), 'store_unavailable');
  await until('the loss is recorded', async () => (await statesOf(image))[0] === 'unavailable', 10_000);
  assert.equal((await member.get(`/v2/images/${image.id}`)).json.status, 'active');
});

test('copies of images that one cannot see are not there', { skip }, async () => {
  const image = await member.createActive(data);
  const stranger = (method: 'get' | 'delete', path: string) =>
    member[method](path, as('elsewhere', 'member'));
  refused(await stranger('get', at(image)), 'image_not_found');
  refused(await stranger('delete', `${at(image)}/00000000-0000-4000-8000-000000000000`), 'image_not_found');
  refused(await admin.delete(`${at(image)}/nothing`), 'last_location');
});
