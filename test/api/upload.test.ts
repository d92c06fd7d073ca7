/** PUT /v2/images/{id}/file: data that is taken, and what the record then says (API section 4). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { differs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes, digest, pieces, qcow2 } from './bytes.ts';
import { Client, raw } from './client.ts';
import { SlowUpload } from './slow-upload.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

const noTasks = differs('An upload leaves no task.');

for (const length of [1, 511, 65_535, 65_536, 65_537, 1_048_577, 3_000_003])
  for (const form of ['measured', 'chunked'])
    test(`${length} bytes, ${form}, come back as they went`, async () => {
      const data = bytes(length, length);
      const { id } = await client.create(raw);
      const body = form === 'measured' ? data : pieces(data, 50_000);
      const answer = await client.upload(id, body);
      assert.equal(answer.status, 204);
      assert.equal(answer.body.length, 0);
      const record = (await client.show(id)).json;
      assert.equal(record.status, 'active');
      assert.equal(record.size, length);
      assert.equal(record.virtual_size, length);
      assert.equal(record.checksum, digest('md5', data));
      assert.equal(record.os_hash_value, digest('sha512', data));
      assert.deepEqual((await client.download(id)).body, data);
    });

test('a qcow2 tells the size of its disk', async () => {
  const data = qcow2(10 * 2 ** 30);
  const { id } = await client.create({ disk_format: 'qcow2', container_format: 'bare' });
  assert.equal((await client.upload(id, data)).status, 204);
  const record = (await client.show(id)).json;
  assert.equal(record.size, data.length);
  assert.equal(record.virtual_size, 10 * 2 ** 30);
});

test('what is in another container is taken as it is', async () => {
  const data = bytes(5000, 3);
  for (const container_format of ['ova', 'docker', 'compressed', 'aki']) {
    const { id } = await client.create({ disk_format: 'raw', container_format });
    assert.equal((await client.upload(id, data)).status, 204);
    assert.deepEqual((await client.download(id)).body, data);
  }
});

test('an empty body makes an active image of size 0', async () => {
  for (const chunked of [false, true]) {
    const { id } = await client.create(raw);
    const answer = await client.call('PUT', `/v2/images/${id}/file`, {
      body: Buffer.alloc(0),
      chunked,
      headers: { 'Content-Type': 'application/octet-stream' },
    });
    assert.equal(answer.status, 204);
    const record = (await client.show(id)).json;
    assert.equal(record.status, 'active');
    assert.equal(record.size, 0);
    assert.equal(record.checksum, 'd41d8cd98f00b204e9800998ecf8427e');
    assert.equal(record.os_hash_value, digest('sha512', Buffer.alloc(0)));
    const download = await client.download(id);
    assert.equal(download.status, 200);
    assert.equal(download.headers['content-length'], '0');
  }
});

test('an upload without any body header is an empty one', async () => {
  const { id } = await client.create(raw);
  const headers = { 'Content-Type': 'application/octet-stream' };
  assert.equal((await client.call('PUT', `/v2/images/${id}/file`, { headers })).status, 204);
  assert.equal((await client.show(id)).json.size, 0);
});

test('an empty body whatever the format, when the data is a volume elsewhere', async () => {
  const mapping = JSON.stringify([{ source_type: 'snapshot', device_name: '/dev/vda', boot_index: 0 }]);
  for (const disk_format of ['raw', 'qcow2', 'vmdk', 'iso']) {
    const { id } = await client.create({
      disk_format,
      container_format: 'bare',
      block_device_mapping: mapping,
    });
    assert.equal((await client.upload(id, Buffer.alloc(0))).status, 204, disk_format);
    const record = (await client.show(id)).json;
    assert.deepEqual([record.status, record.size], ['active', 0]);
    assert.equal(record.block_device_mapping, mapping);
  }
});

test('an empty body of any other format is 415', {
  skip: differs('Data are not held to the declared format.'),
}, async () => {
  for (const disk_format of ['qcow2', 'vmdk', 'vhd', 'iso']) {
    const { id } = await client.create({ disk_format, container_format: 'bare' });
    refused(await client.upload(id, Buffer.alloc(0)), 'format_mismatch');
    assert.equal(await client.status(id), 'queued');
  }
});

test('an empty upload stores nothing', { skip: needsOwnServer }, async () => {
  const before = await target.server!.storedFiles();
  const { id } = await client.create(raw);
  await client.upload(id, Buffer.alloc(0));
  assert.deepEqual(await target.server!.storedFiles(), before);
});

test('an announced size that is right is right', async () => {
  const data = bytes(1234);
  for (const body of [data, pieces(data, 100)]) {
    const { id } = await client.create(raw);
    assert.equal((await client.upload(id, body, { 'X-OpenStack-Image-Size': '1234' })).status, 204);
    assert.equal((await client.show(id)).json.size, 1234);
  }
});

test('expected digests that are right are right', {
  skip: differs('X-Tintype-Expected-Digest is unknown.'),
}, async () => {
  const data = bytes(1234);
  for (const expected of [
    ...['md5', 'sha1', 'sha256', 'sha384', 'sha512'].map(
      (algorithm) => `${algorithm}=${digest(algorithm, data)}`,
    ),
    `sha256=${digest('sha256', data)}, md5=${digest('md5', data)}`,
    `SHA256=${digest('sha256', data).toUpperCase()}`,
  ]) {
    const { id } = await client.create(raw);
    assert.equal(
      (await client.upload(id, data, { 'X-Tintype-Expected-Digest': expected })).status,
      204,
      expected,
    );
  }
});

test('a store named to a server with one store is ignored', { skip: needsOwnServer }, async () => {
  const { id } = await client.create(raw);
  assert.equal((await client.upload(id, bytes(10), { 'X-Image-Meta-Store': 'elsewhere' })).status, 204);
});

test('a server with several stores takes the one named, and knows no other', {
  skip: needsOwnServer,
}, async () => {
  const stores = [
    { id: 'slow', type: 'file' as const, path: null },
    { id: 'fast', type: 'file' as const, path: null },
  ];
  const own = await openTarget({ stores, defaultStore: 'fast' });
  try {
    const other = new Client(own);
    const stored = async (headers: Record<string, string>) => {
      const { id } = await other.create(raw);
      assert.equal((await other.upload(id, bytes(10), headers)).status, 204);
      assert.deepEqual((await other.download(id)).body, bytes(10));
      return (await other.tasks(id))[0].input.backend;
    };
    assert.deepEqual(await stored({}), ['fast']);
    assert.deepEqual(await stored({ 'X-Image-Meta-Store': 'slow' }), ['slow']);
    const { id } = await other.create(raw);
    refused(await other.upload(id, bytes(10), { 'X-Image-Meta-Store': 'none' }), 'unknown_store');
    assert.equal(await other.status(id), 'queued');
    for (const query of ['?prefer=slow', '?prefer=slow,fast', '?prefer=fast&prefer=slow'])
      assert.equal((await other.download((await other.createActive(bytes(10))).id, {}, query)).status, 200);
  } finally {
    await own.close();
  }
});

test('a client that asks for leave gets it, and then the data is taken', async () => {
  const data = bytes(200_000);
  const { id } = await client.create(raw);
  const upload = new SlowUpload(target, 'caller', id, {
    Expect: '100-continue',
    'Content-Length': String(data.length),
  });
  await upload.leave();
  await upload.write(data);
  assert.equal((await upload.finish()).status, 204);
  assert.deepEqual((await client.download(id)).body, data);
});

test('while data arrives the image is saving, and has none to give', async () => {
  const data = bytes(300_000);
  const { id } = await client.create(raw);
  const upload = new SlowUpload(target, 'caller', id);
  await upload.write(data.subarray(0, 200_000));
  while ((await client.status(id)) !== 'saving') await upload.write(Buffer.alloc(0));
  const record = (await client.show(id)).json;
  assert.deepEqual([record.size, record.checksum, record.os_hash_value], [null, null, null]);
  assert.equal((await client.download(id)).status, 204);
  if (noTasks === false) assert.equal((await client.tasks(id))[0].status, 'processing');
  await upload.write(data.subarray(200_000));
  assert.equal((await upload.finish()).status, 204);
  assert.deepEqual((await client.download(id)).body, data);
});

test('a change of the record meanwhile and the upload both count', {
  skip: differs('A change made during an upload is lost when the upload ends.'),
}, async () => {
  const data = bytes(100_000);
  const { id } = await client.create(raw);
  const upload = new SlowUpload(target, 'caller', id);
  await upload.write(data);
  while ((await client.status(id)) !== 'saving') await upload.write(Buffer.alloc(0));
  const patched = await client.patch(id, [
    { op: 'replace', path: '/name', value: 'meanwhile' },
    { op: 'add', path: '/a', value: 'b' },
  ]);
  assert.equal(patched.status, 200);
  assert.equal((await client.put(`/v2/images/${id}/tags/meanwhile`)).status, 204);
  assert.equal((await upload.finish()).status, 204);
  const record = (await client.show(id)).json;
  assert.deepEqual(
    [record.status, record.name, record.a, record.tags],
    ['active', 'meanwhile', 'b', ['meanwhile']],
  );
});

test('uploads of many images at a time do not mix', async () => {
  await Promise.all(
    Array.from({ length: 12 }, async (_, seed) => {
      const data = bytes(400_000 + seed, seed + 1);
      const { id } = await client.create(raw);
      assert.equal((await client.upload(id, pieces(data, 30_011))).status, 204);
      assert.ok((await client.download(id)).body.equals(data));
    }),
  );
});

test('the task of a successful upload tells of it', { skip: noTasks }, async () => {
  const { id } = await client.create(raw);
  const chosen = 'req-upload-0001';
  await client.upload(id, bytes(77), { 'X-Openstack-Request-Id': chosen });
  const [task, ...more] = await client.tasks(id);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [task.type, task.status, task.image_id, task.request_id, task.deleted, task.deleted_at],
    ['upload', 'success', id, chosen, false, null],
  );
  assert.match(task.message, /77 bytes/);
  for (const time of [task.created_at, task.updated_at, task.expires_at])
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
  const lifetime = Date.parse(`${task.expires_at}Z`) - Date.parse(`${task.updated_at}Z`);
  assert.equal(Math.round(lifetime / 3_600_000), 48);
});
