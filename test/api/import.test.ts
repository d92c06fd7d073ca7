/** POST /v2/images/{id}/import with glance-direct: what it makes of the image, and what stops it (API section 4). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/process.ts';
import { differs, needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes, digest, qcow2 } from './bytes.ts';
import { Client, raw } from './client.ts';
import { importBy, importEnd, stage, stagedImage } from './import-client.ts';
import { StatusTrail } from './statuses.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

test('the methods are told, where images are made too', async () => {
  const { json } = await client.get('/v2/info/import');
  assert.equal(json['import-methods'].type, 'array');
  const methods: string[] = json['import-methods'].value;
  assert.ok(methods.includes('glance-direct') && methods.includes('copy-image'));
  const created = await client.post('/v2/images', raw);
  assert.equal(created.headers['openstack-image-import-methods'], methods.join(','));
});

test('staged data becomes the data of the image', async () => {
  const body = bytes(300_000);
  const id = await stagedImage(client, body);
  const trail = new StatusTrail();
  trail.saw(await client.status(id));
  const answer = await importBy(client, id, 'glance-direct');
  assert.equal(answer.status, 202);
  await until('the end', async () => {
    const status = await client.status(id);
    trail.saw(status);
    return status === 'active';
  });
  const { image, task } = await importEnd(client, id);
  assert.deepEqual(
    [image.size, image.virtual_size, image.checksum, image.os_hash_algo, image.os_hash_value],
    [body.length, body.length, digest('md5', body), 'sha512', digest('sha512', body)],
  );
  assert.equal(image.os_glance_import_task, undefined);
  assert.equal(image.os_glance_importing_to_stores ?? '', '');
  assert.equal(image.os_glance_failed_import ?? '', '');
  assert.ok((await client.download(id)).body.equals(body));
  assert.equal(task.status, 'success');
  assert.deepEqual(task.result, { image_id: id });
  assert.deepEqual(task.input.import_req, { method: { name: 'glance-direct' } });
});

test('what every client sends is taken: all stores of one, and an empty image', async () => {
  const id = await stagedImage(client, Buffer.alloc(0));
  assert.equal((await importBy(client, id, 'glance-direct', { all_stores: true })).status, 202);
  const { image } = await importEnd(client, id);
  assert.deepEqual([image.status, image.size], ['active', 0]);
  assert.equal((await client.download(id)).body.length, 0);
});

describe('an import that fails', () => {
  test('leaves the image queued with the reason told, and it can be tried again', {
    skip: differs('Data are not held to the declared format.'),
  }, async () => {
    const id = await stagedImage(client, bytes(1000), { disk_format: 'qcow2' });
    assert.equal((await importBy(client, id, 'glance-direct')).status, 202);
    const { image, task } = await importEnd(client, id);
    assert.deepEqual([image.status, image.size, image.os_hash_value], ['queued', null, null]);
    assert.equal(image.os_glance_import_task, undefined);
    assert.equal(task.status, 'failure');
    assert.equal(task.result.error.code, 'format_mismatch');
    assert.match(task.message, /qcow2/);
    assert.equal((await stage(client, id, qcow2(1 << 20))).status, 204);
    assert.equal((await importBy(client, id, 'glance-direct')).status, 202);
    assert.equal((await importEnd(client, id)).image.status, 'active');
  });

  test('leaves no bytes, staged or stored', { skip: needsOwnServer }, async () => {
    const id = await stagedImage(client, bytes(1000), { disk_format: 'vmdk' });
    await importBy(client, id, 'glance-direct');
    await importEnd(client, id);
    assert.deepEqual(
      (await target.server!.storedFiles()).filter((name) => name.startsWith(id)),
      [],
    );
  });
});

test('an image is deleted while it is imported, and then nothing of it is there', async () => {
  const id = await stagedImage(client, bytes(2_000_000));
  assert.equal((await importBy(client, id, 'glance-direct')).status, 202);
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  assert.equal((await client.show(id)).status, 404);
  if (target.server !== null)
    await until('no bytes', async () =>
      (await target.server!.storedFiles()).every((name) => !name.startsWith(id)),
    );
});

describe('refused is', () => {
  test('a method that is none, and one that is not offered', async () => {
    const id = await stagedImage(client, bytes(10));
    for (const method of ['teleport', 'constructor', ''])
      assert.equal((await importBy(client, id, method)).status, 400, method);
    refused(await importBy(client, id, 'teleport'), 'import_method', /glance-direct/);
  });

  test('a document that asks for nothing, or for too much', {
    skip: differs('An import document that is no object is 500.'),
  }, async () => {
    const id = await stagedImage(client, bytes(10));
    const method = { name: 'glance-direct' };
    const wrong = [
      {},
      [],
      'import',
      { method: 'glance-direct' },
      { method: {} },
      { method, stores: 'one' },
      { method, stores: [] },
      { method, stores: [1] },
      { method, all_stores: 'yes' },
      { method, all_stores: 1 },
      { method, all_stores_must_succeed: null },
      { method, all_stores: true, stores: ['local'] },
      { method, all_stores_must_succeed: false },
    ];
    for (const body of wrong)
      assert.equal((await client.post(`/v2/images/${id}/import`, body)).status, 400, JSON.stringify(body));
    const header = { 'X-Image-Meta-Store': 'local' };
    refused(
      await client.post(`/v2/images/${id}/import`, { method, stores: ['local'] }, header),
      'bad_request',
      /not both/,
    );
    assert.equal(await client.status(id), 'uploading');
  });

  test('an image that is unknown, not staged, active, or without formats', async () => {
    refused(await importBy(client, randomUUID(), 'glance-direct'), 'image_not_found');
    const { id } = await client.create(raw);
    refused(await importBy(client, id, 'glance-direct'), 'status_conflict', /uploading/);
    const active = await client.createActive(bytes(10));
    refused(await importBy(client, active.id, 'glance-direct'), 'status_conflict');
    const bare = await client.create({ name: 'x' });
    await stage(client, bare.id, bytes(10));
    refused(await importBy(client, bare.id, 'glance-direct'), 'import_formats_unset');
  });

  test('a store that is none', {
    skip: differs('With a single store an unknown one is taken.'),
  }, async () => {
    const id = await stagedImage(client, bytes(10));
    refused(await importBy(client, id, 'glance-direct', { stores: ['nowhere'] }), 'no_such_store');
    assert.equal(await client.status(id), 'uploading');
  });

  test('a second import of the same data', async () => {
    const id = await stagedImage(client, bytes(3_000_000));
    const answers = await Promise.all([1, 2, 3].map(() => importBy(client, id, 'glance-direct')));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409, 409]);
    assert.equal((await importEnd(client, id)).image.status, 'active');
  });

  test('who may not change the image', { skip: needs('member', 'reader', 'other') }, async () => {
    const id = await stagedImage(new Client(target, 'member'), bytes(10), { visibility: 'community' });
    refused(await importBy(new Client(target, 'reader'), id, 'glance-direct'), 'forbidden');
    refused(await importBy(new Client(target, 'other'), id, 'glance-direct'), 'forbidden');
  });

  test('a write to what the server keeps on the image', async () => {
    const { id } = await client.create(raw);
    for (const name of [
      'os_glance_import_task',
      'os_glance_importing_to_stores',
      'os_glance_failed_import',
    ]) {
      const operation = { op: 'add', path: `/${name}`, value: 'x' };
      refused(await client.patch(id, [operation]), 'reserved_attribute');
      refused(await client.post('/v2/images', { ...raw, [name]: 'x' }), 'reserved_attribute');
    }
  });
});

test('formats that are changed in the middle are not what the image becomes', {
  skip: needsOwnServer,
}, async () => {
  const id = await stagedImage(client, bytes(40_000_000));
  await importBy(client, id, 'glance-direct');
  const change = [{ op: 'replace', path: '/disk_format', value: 'iso' }];
  const answer = await client.patch(id, change);
  const { image } = await importEnd(client, id);
  if (answer.status === 200) assert.notEqual(image.status, 'active', 'not active as what it is not');
  else refused(answer, 'formats_fixed');
});
