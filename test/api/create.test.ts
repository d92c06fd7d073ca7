/** POST /v2/images: what makes a record and what is refused (API section 3). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { defaultContainerFormats, defaultDiskFormats } from '@tintype/contract';
import { differs, needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { inOrder, refused } from './answer.ts';
import { Client, type Json } from './client.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

const create = (fields: unknown) => client.post('/v2/images', fields);

test('a creation is answered with the record and its absolute address', async () => {
  const answer = await create({ name: 'jammy' });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.location, `${target.url}/v2/images/${answer.json.id}`);
  assert.equal(answer.headers['content-type'], 'application/json');
  const shown = await client.get(new URL(answer.headers.location!).pathname);
  assert.deepEqual(shown.json, answer.json);
});

test('import methods are named, and of a single store no id', { skip: needsOwnServer }, async () => {
  const { headers } = await create({});
  assert.equal(headers['openstack-image-import-methods'], 'glance-direct,web-download,copy-image');
  assert.equal(headers['openstack-image-store-ids'], undefined);
});

test('everything that may be chosen is taken as given', async () => {
  const chosen = {
    id: randomUUID(),
    name: 'chosen',
    visibility: 'private',
    protected: true,
    os_hidden: true,
    disk_format: 'qcow2',
    container_format: 'bare',
    min_disk: 2_147_483_647,
    min_ram: 2_147_483_647,
    tags: ['a', 'b'],
    os_distro: 'debian',
  };
  const answer = await create(chosen);
  assert.equal(answer.status, 201);
  const made = inOrder(answer.json);
  for (const [name, value] of Object.entries(chosen)) assert.deepEqual(made[name], value, name);
  const nulls = await client.create({ name: null, disk_format: null, container_format: null });
  assert.equal(nulls.name, null);
});

test('every format is known, and no other', async () => {
  for (const disk_format of defaultDiskFormats) await client.create({ disk_format });
  for (const container_format of defaultContainerFormats) await client.create({ container_format });
  for (const format of ['RAW', 'qcow', 'bare', '', ' raw', 'raw,qcow2'])
    refused(await create({ disk_format: format }), 'invalid_attribute');
  for (const format of ['raw', 'BARE', '', 'zip'])
    refused(await create({ container_format: format }), 'invalid_attribute');
});

test('formats are configurable', { skip: needsOwnServer }, async () => {
  const own = await openTarget({ images: { diskFormats: ['raw', 'odd'], containerFormats: ['bare'] } });
  try {
    const other = new Client(own);
    assert.equal((await other.create({ disk_format: 'odd' })).disk_format, 'odd');
    refused(await other.post('/v2/images', { disk_format: 'qcow2' }), 'invalid_attribute');
    refused(await other.post('/v2/images', { container_format: 'ova' }), 'invalid_attribute');
    const { properties } = (await other.get('/v2/schemas/image')).json;
    assert.deepEqual(properties.disk_format.enum, [null, 'raw', 'odd']);
  } finally {
    await own.close();
  }
});

const documents: Record<string, string> = {
  'no body': '',
  'half a document': '{"name":',
  'two documents': '{}{}',
  'not JSON': 'name=x',
  'a trailing comma': '{"name":"x",}',
  'a bare word': '{"name":NaN}',
  'single quotes': "{'name':'x'}",
};

for (const [what, text] of Object.entries(documents))
  test(`${what} is 400`, async () => {
    refused(await client.call('POST', '/v2/images', { body: Buffer.from(text) }), 'invalid_json');
    refused(
      await client.call('POST', '/v2/images', { body: Buffer.from(text), chunked: true }),
      'invalid_json',
    );
  });

test('bytes that are no UTF-8 are 400', async () => {
  for (const hex of ['ff', 'c328', 'eda080', 'f8888080', 'c0af', 'e28200'])
    refused(
      await client.call('POST', '/v2/images', { body: Buffer.from(`7b226e616d65223a22${hex}227d`, 'hex') }),
      'invalid_json',
    );
});

test('a document that is no object is 400', {
  skip: differs('A document that is no object is 500.'),
}, async () => {
  for (const document of [[], null, 'name', 5, true, [{ name: 'x' }]])
    refused(
      await client.call('POST', '/v2/images', { body: Buffer.from(JSON.stringify(document)) }),
      'bad_request',
    );
});

const wrong: Record<string, readonly unknown[]> = {
  id: ['', 'x', 5, null, 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaa', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', []],
  name: [5, true, [], {}, ['x']],
  visibility: ['', 'PUBLIC', 'all', null, 5, [], {}],
  protected: ['true', 'false', 1, 0, null, []],
  os_hidden: ['true', 1, null, {}],
  owner: [5, [], {}, true],
  disk_format: [5, [], {}, true],
  container_format: [5, [], {}, true],
  min_disk: [-1, 1.5, '1', null, true, 2_147_483_648, 1e300, [], {}],
  min_ram: [-1, 0.1, '', null, false, 2_147_483_648, 9_007_199_254_740_992],
  tags: ['a', null, 5, {}, [5], [null], [['a']], ['a', {}]],
  os_distro: [5, 1.5, true, false, [], {}, ['debian'], { a: 'b' }],
};

for (const [name, values] of Object.entries(wrong))
  test(`a wrong value for ${name} is 400 and named`, async () => {
    for (const value of values)
      refused(await create({ [name]: value }), 'invalid_attribute', new RegExp(name));
  });

const hashesPass = differs('os_hash_algo and os_hash_value are ignored in a creation.');

test('an attribute of the server is 403, with the words that people look for', async () => {
  for (const [name, value] of Object.entries({
    status: 'active',
    size: 5,
    virtual_size: 5,
    checksum: 'd41d8cd98f00b204e9800998ecf8427e',
    ...(hashesPass === false && { os_hash_algo: 'sha512', os_hash_value: 'aa' }),
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    self: '/v2/images/x',
    file: '/v2/images/x/file',
    schema: '/v2/schemas/image',
    direct_url: 'file:///etc/passwd',
    stores: 'local',
    locations: [],
  }))
    refused(
      await create({ [name]: value }),
      'read_only',
      new RegExp(`^Attribute '${name}' is read-only\\.$`),
    );
});

test('a reserved name is 403', async () => {
  for (const name of [
    'location',
    'deleted',
    'deleted_at',
    'os_glance_import_task',
    'os_glance_failed_import',
    'os_glance_importing_to_stores',
    'os_glance_stage_host',
    'os_glance_',
    'os_glance',
  ])
    refused(await create({ [name]: 'x' }), 'reserved_attribute', new RegExp(name));
});

test('a property name has 1 to 255 characters', async () => {
  refused(await create({ ['k'.repeat(256)]: 'v' }), 'invalid_attribute');
  if (differs('A property may have an empty name.') === false)
    refused(await create({ '': 'v' }), 'invalid_attribute');
  await client.create({ ['k'.repeat(255)]: 'v' });
});

test('names that reach into prototypes do no harm', async () => {
  const text = '{"__proto__":{"visibility":"public","polluted":"yes"},"name":"x"}';
  refused(await client.call('POST', '/v2/images', { body: Buffer.from(text) }), 'invalid_json');
  const record = await client.create({ constructor: 'a', prototype: 'b', valueOf: 'c' });
  assert.equal(record.constructor, 'a');
  assert.equal((await client.create({})).polluted, undefined);
});

test('of doubled keys the last counts', async () => {
  const body = Buffer.from('{"name":"first","name":"last"}');
  const answer = await client.call('POST', '/v2/images', { body });
  assert.equal(answer.json.name, 'last');
  await client.delete(`/v2/images/${answer.json.id}`);
});

test('an id is used once, even after deletion, however it is written', async () => {
  const id = randomUUID();
  await client.create({ id });
  refused(await create({ id }), 'image_exists');
  if (differs('An id in capitals is another id.') === false)
    refused(await create({ id: id.toUpperCase() }), 'image_exists');
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  refused(await create({ id }), 'image_exists');
  assert.equal((await client.show(id)).status, 404);
});

test('of many that want one id at the same time, one gets it', async () => {
  const id = randomUUID();
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => create({ id, name: `${i}` })));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [201, ...Array(7).fill(409)]);
  const winner = answers.find(({ status }) => status === 201)!;
  assert.equal((await client.show(id)).json.name, winner.json.name);
});

test('an id that is being deleted cannot be taken meanwhile', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { id } = await client.create({ name: 'first' });
    const [gone, ...taken] = await Promise.all([
      client.delete(`/v2/images/${id}`),
      ...Array.from({ length: 4 }, () => create({ id, name: 'second' })),
    ]);
    assert.equal(gone!.status, 204);
    assert.deepEqual(
      taken.map(({ status }) => status),
      [409, 409, 409, 409],
    );
    assert.equal((await client.show(id)).status, 404);
  }
});

test('more than 128 properties or tags are 413', async () => {
  const properties = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
  const tags = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);
  await client.create({ ...properties(128), tags: tags(128) });
  refused(await create(properties(129)), 'quota_properties');
  refused(await create({ tags: tags(129) }), 'quota_tags');
  if (differs('Doubled tags count towards the quota.') === false)
    await client.create({ tags: [...tags(128), 't0'] });
});

test('limits are configurable, and can be lifted', { skip: needsOwnServer }, async () => {
  const own = await openTarget({ images: { maxProperties: 1, maxTags: -1 } });
  try {
    const other = new Client(own);
    refused(await other.post('/v2/images', { a: 'a', b: 'b' }), 'quota_properties');
    await other.create({ a: 'a', tags: Array.from({ length: 1000 }, (_, i) => `${i}`) });
  } finally {
    await own.close();
  }
});

test('a document over a mebibyte is 413, and the refusal can be read', {
  skip: differs('Documents may have any size.'),
}, async () => {
  const big = Buffer.from(JSON.stringify({ k: 'v'.repeat(1 << 20) }));
  refused(await client.call('POST', '/v2/images', { body: big }), 'body_too_large');
  refused(await client.call('POST', '/v2/images', { body: big, chunked: true }), 'body_too_large');
  const huge = Buffer.alloc(32 << 20, 0x20);
  refused(await client.call('POST', '/v2/images', { body: huge }), 'body_too_large');
  refused(await client.call('POST', '/v2/images', { body: huge, chunked: true }), 'body_too_large');
});

test('a reader makes no images', { skip: needs('reader') }, async () => {
  refused(await new Client(target, 'reader').post('/v2/images', {}), 'forbidden');
});

test('a member makes images for the own project only, an administrator for any', {
  skip: needs('member', 'other', 'admin'),
}, async () => {
  const member = new Client(target, 'member');
  const { owner } = await member.create();
  assert.equal((await member.create({ owner })).owner, owner);
  const { owner: others } = await new Client(target, 'other').create();
  refused(await member.post('/v2/images', { owner: others }), 'forbidden');
  refused(await member.post('/v2/images', { owner: null }), 'forbidden');
  const admin = new Client(target, 'admin');
  assert.equal((await admin.create({ owner })).owner, owner);
  assert.equal((await admin.create({ owner: null })).owner, null);
});

test('only an administrator makes public images; community is for members', {
  skip: needs('member', 'admin'),
}, async () => {
  const member = new Client(target, 'member');
  for (const visibility of ['private', 'shared', 'community'])
    assert.equal((await member.create({ visibility })).visibility, visibility);
  refused(await member.post('/v2/images', { visibility: 'public' }), 'forbidden');
  assert.equal((await new Client(target, 'admin').create({ visibility: 'public' })).visibility, 'public');
});

test('what was refused left nothing behind', async () => {
  const name = `refused ${randomUUID()}`;
  for (const fields of [
    { min_disk: -1 },
    { size: 5 },
    { deleted: 'x' },
    { tags: Array.from({ length: 129 }, (_, i) => `${i}`) },
  ])
    await create({ name, ...fields });
  const { images } = (await client.get(`/v2/images?name=${encodeURIComponent(name)}`)).json as Json;
  assert.deepEqual(images, []);
});
