/** The published JSON Schemas, and answers held to them as the stock client does (API section 10). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ImagePage, ImageRecord, TaskList } from '@tintype/contract';
import Schema from 'typebox/schema';
import Value from 'typebox/value';
import { differs, openTarget, type Target } from '../support/target.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

let target: Target;
let client: Client;
let image: Json;
let images: Json;

before(async () => {
  target = await openTarget();
  client = new Client(target);
  image = (await client.get('/v2/schemas/image')).json;
  images = (await client.get('/v2/schemas/images')).json;
});
after(() => target.close());

/** Records of every kind. */
async function records(): Promise<Json[]> {
  const bare = await client.create({});
  const full = await client.create({
    ...raw,
    name: 'full',
    visibility: 'private',
    protected: true,
    os_hidden: true,
    min_disk: 1,
    min_ram: 1,
    tags: ['a', 'b'],
    kernel_id: bare.id,
    ramdisk_id: null,
    os_distro: 'debian',
    'owner_specified.openstack.md5': '',
    anything: 'goes',
  });
  return [bare, full, await client.createActive(bytes(10)), await client.createActive(Buffer.alloc(0))];
}

test('both documents are JSON Schemas of the names that clients look for', () => {
  assert.equal(image.name, 'image');
  assert.equal(images.name, 'images');
  assert.deepEqual(image.additionalProperties, { type: 'string' });
  assert.deepEqual(image.links, [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ]);
  assert.deepEqual(images.links, [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ]);
  assert.deepEqual(Object.keys(images.properties).sort(), ['first', 'images', 'next', 'schema']);
  assert.deepEqual(images.properties.images.items, image);
});

test('what the server sets is read-only in the schema, and nothing else', () => {
  const readOnly = Object.keys(image.properties).filter((name) => image.properties[name].readOnly === true);
  assert.deepEqual(readOnly.filter((name) => !['direct_url', 'locations', 'stores'].includes(name)).sort(), [
    'checksum',
    'created_at',
    'file',
    'os_hash_algo',
    'os_hash_value',
    'schema',
    'self',
    'size',
    'status',
    'updated_at',
    'virtual_size',
  ]);
});

test('the base names are those of the record, and no more: others would leak into other services', async () => {
  const base = Object.keys(image.properties).filter((name) => image.properties[name].is_base !== false);
  const known = base.filter((name) => !['direct_url', 'locations', 'stores'].includes(name));
  assert.deepEqual(known.sort(), Object.keys(await client.create({})).sort());
});

test('names that services know are no base names', () => {
  for (const name of [
    'kernel_id',
    'ramdisk_id',
    'instance_uuid',
    'architecture',
    'os_distro',
    'os_version',
    'description',
    'cinder_encryption_key_id',
    'cinder_encryption_key_deletion_policy',
  ])
    assert.equal(image.properties[name]?.is_base, false, name);
});

test('every record fits the published schema and the contract', async () => {
  const one = Schema.Compile(image);
  for (const record of await records()) {
    assert.ok(one.Check(record), JSON.stringify(record));
    assert.ok(Value.Check(ImageRecord, record), JSON.stringify(record));
    const changed = (await client.patch(record.id, [{ op: 'add', path: '/more', value: 'x' }])).json;
    assert.ok(one.Check(changed), JSON.stringify(changed));
  }
});

test('every page fits the published schema and the contract', async () => {
  const page = Schema.Compile(images);
  await records();
  for (const query of ['', 'limit=2', 'limit=0', 'os_hidden=true', 'name=none']) {
    const answer = (await client.get(`/v2/images?${query}`)).json;
    assert.ok(page.Check(answer), JSON.stringify(answer));
    assert.ok(Value.Check(ImagePage, answer), JSON.stringify(answer));
  }
});

test('the schema refuses what the server refuses', async () => {
  const one = Schema.Compile(image);
  const record = await client.create({});
  for (const [name, value] of [
    ['visibility', 'secret'],
    ...(differs('The image schema has no minimum for min_disk and min_ram.') === false
      ? ([['min_disk', -1]] as const)
      : []),
    ['protected', 'yes'],
    ['disk_format', 'floppy'],
    ['os_distro', 5],
    ['kernel_id', 'vmlinuz'],
    ['custom', null],
  ] as const) {
    assert.equal(one.Check({ ...record, [name]: value }), false, name);
    assert.equal((await client.post('/v2/images', { [name]: value })).status, 400, name);
  }
});

test('tasks fit the contract', { skip: differs('An upload leaves no task.') }, async () => {
  const { id } = await client.create({ disk_format: 'qcow2', container_format: 'bare' });
  await client.upload(id, bytes(100));
  const { json } = await client.get(`/v2/images/${id}/tasks`);
  assert.ok(Value.Check(TaskList, json), JSON.stringify(json));
  assert.deepEqual(Object.keys(json.tasks[0]!).sort(), [
    'created_at',
    'deleted',
    'deleted_at',
    'expires_at',
    'id',
    'image_id',
    'input',
    'message',
    'owner',
    'request_id',
    'result',
    'status',
    'type',
    'updated_at',
    'user_id',
  ]);
});

test('the documents are stable: clients keep them', async () => {
  assert.deepEqual((await client.get('/v2/schemas/image')).json, image);
  assert.deepEqual((await client.get('/v2.5/schemas/images')).json, images);
});
