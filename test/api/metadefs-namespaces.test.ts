/** /v2/metadefs/namespaces: their life, what they nest, who sees and who writes them (API section 11). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { differs, needsHeaders, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { type Json, type MetadefClient, metadefClient, refused, timeless } from './metadef-client.ts';

const skip = needsHeaders;
let target: Target;
let admin: MetadefClient;
let own: MetadefClient;
let foreign: MetadefClient;

before(async () => {
  target = await openTarget();
  admin = metadefClient(target, 'p1', 'admin');
  own = metadefClient(target, 'p1', 'member');
  foreign = metadefClient(target, 'p2', 'member');
});
after(() => target.close());

const nested = {
  namespace: 'Net::Nic',
  visibility: 'public',
  resource_type_associations: [
    { name: 'OS::Glance::Image', prefix: 'nic_', properties_target: 'image' },
    { name: 'OS::Nova::Flavor' },
  ],
  properties: {
    model: { title: 'Model', type: 'string', enum: ['e1000', 'virtio'], default: 'virtio' },
    queues: { title: 'Queues', type: 'integer', minimum: 1, maximum: 256, default: 4 },
    offload: { title: 'Offload', type: 'boolean', default: true },
  },
  objects: [
    {
      name: 'Flow control',
      description: 'What happens when it gets too much.',
      required: ['pause'],
      properties: { pause: { title: 'Pause', type: 'number', default: 0.5 } },
    },
    { name: 'Empty' },
  ],
  tags: [{ name: 'fast' }, { name: 'slow' }],
};

test('a namespace lives: created, read, renamed, protected, deleted', { skip }, async () => {
  const made = await admin.post('/namespaces', {
    namespace: 'Life',
    display_name: 'A life',
    description: 'From beginning to end',
  });
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('location'), `${target.url}/v2/metadefs/namespaces/Life`);
  assert.deepEqual(timeless(made.json), {
    namespace: 'Life',
    display_name: 'A life',
    description: 'From beginning to end',
    visibility: 'private',
    protected: false,
    owner: 'p1',
    self: '/v2/metadefs/namespaces/Life',
    schema: '/v2/schemas/metadefs/namespace',
  });
  assert.deepEqual((await admin.get('/namespaces/Life')).json, made.json);
  refused(await admin.post('/namespaces', { namespace: 'Life' }), 409, 'namespace_exists');

  const renamed = await admin.put('/namespaces/Life', {
    namespace: 'Second life',
    protected: true,
    owner: 'p2',
  });
  assert.equal(renamed.status, 200);
  assert.deepEqual(timeless(renamed.json), {
    namespace: 'Second life',
    visibility: 'private',
    protected: true,
    owner: 'p2',
    self: '/v2/metadefs/namespaces/Second life',
    schema: '/v2/schemas/metadefs/namespace',
  });
  refused(await admin.get('/namespaces/Life'), 404, 'namespace_not_found');
  assert.deepEqual(timeless((await admin.get('/namespaces/Second%20life')).json), timeless(renamed.json));

  refused(await admin.delete('/namespaces/Second%20life'), 403, 'namespace_protected');
  assert.equal((await admin.put('/namespaces/Second%20life', { namespace: 'Second life' })).json.owner, 'p1');
  assert.equal((await admin.delete('/namespaces/Second%20life')).status, 204);
  refused(await admin.get('/namespaces/Second%20life'), 404, 'namespace_not_found');
  refused(await admin.delete('/namespaces/Second%20life'), 404, 'namespace_not_found');
});

test('a namespace is made with all it defines, and shown so', { skip }, async () => {
  const made = await admin.post('/namespaces', nested);
  assert.equal(made.status, 201, made.text);
  if (differs('The answer to a creation tells no times of what is nested.') !== false) return;
  const { resource_type_associations, properties, objects, tags, ...rest } = timeless(made.json);
  assert.deepEqual(rest, {
    namespace: 'Net::Nic',
    visibility: 'public',
    protected: false,
    owner: 'p1',
    self: '/v2/metadefs/namespaces/Net::Nic',
    schema: '/v2/schemas/metadefs/namespace',
  });
  assert.equal(made.headers.get('location'), `${target.url}/v2/metadefs/namespaces/Net::Nic`);
  assert.deepEqual(resource_type_associations.map(timeless), nested.resource_type_associations);
  assert.deepEqual(properties, {
    model: nested.properties.model,
    queues: { ...nested.properties.queues, default: '4' },
    offload: { ...nested.properties.offload, default: 'True' },
  });
  assert.deepEqual(objects.map(timeless), [
    {
      name: 'Flow control',
      description: 'What happens when it gets too much.',
      required: ['pause'],
      properties: { pause: { title: 'Pause', type: 'number', default: '0.5' } },
      self: '/v2/metadefs/namespaces/Net::Nic/objects/Flow control',
      schema: '/v2/schemas/metadefs/object',
    },
    {
      name: 'Empty',
      required: [],
      properties: {},
      self: '/v2/metadefs/namespaces/Net::Nic/objects/Empty',
      schema: '/v2/schemas/metadefs/object',
    },
  ]);
  assert.deepEqual(tags, nested.tags);
  assert.deepEqual((await own.get('/namespaces/Net::Nic')).json, made.json);
  assert.deepEqual((await foreign.get('/v2.9/metadefs/namespaces/Net%3A%3ANic')).json, made.json);
});

test('properties are called as they are on a resource type', { skip }, async () => {
  const { json } = await own.get('/namespaces/Net::Nic?resource_type=OS::Glance::Image');
  assert.deepEqual(Object.keys(json.properties).sort(), ['nic_model', 'nic_offload', 'nic_queues']);
  const object = json.objects.find(({ name }: Json) => name === 'Flow control');
  assert.deepEqual(object.required, ['nic_pause']);
  assert.deepEqual(Object.keys(object.properties), ['nic_pause']);
  for (const type of ['OS::Nova::Flavor', 'OS::Unknown', '']) {
    const shown = await own.get(`/namespaces/Net::Nic?resource_type=${type}`);
    assert.deepEqual(Object.keys(shown.json.properties).sort(), ['model', 'offload', 'queues'], type);
  }
});

test('what was read can be sent back; it changes nothing that is nested', { skip }, async () => {
  const { self, schema, created_at, updated_at, ...read } = (await own.get('/namespaces/Net::Nic')).json;
  const answer = await admin.put('/namespaces/Net::Nic', { ...read, display_name: 'NIC', objects: [] });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(Object.keys(timeless(answer.json)), [
    'namespace',
    'display_name',
    'visibility',
    'protected',
    'owner',
    'self',
    'schema',
  ]);
  const after = (await own.get('/namespaces/Net::Nic')).json;
  assert.equal(after.display_name, 'NIC');
  assert.deepEqual(after.objects, read.objects);
  assert.deepEqual(after.properties, read.properties);
});

test('a namespace is made whole or not at all', { skip }, async () => {
  const twice = { namespace: 'Whole', tags: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] };
  refused(await admin.post('/namespaces', twice), 409, 'definition_exists', /tag 'a'/);
  refused(await admin.get('/namespaces/Whole'), 404, 'namespace_not_found');
});

test('a name taken cannot be taken by renaming', { skip }, async () => {
  await admin.make({ namespace: 'Taken' });
  await admin.make({ namespace: 'Taker' });
  refused(await admin.put('/namespaces/Taker', { namespace: 'Taken' }), 409, 'namespace_exists');
  assert.equal((await admin.get('/namespaces/Taker')).status, 200);
  assert.equal((await admin.put('/namespaces/Taker', { namespace: 'Taker' })).status, 200);
});

test('only administrators write, and others are not told about private namespaces', {
  skip: skip || differs('A hidden namespace and an unknown one are refused in different words.'),
}, async () => {
  await admin.make({ namespace: 'Open', visibility: 'public', tags: [{ name: 't' }] });
  await admin.make({ namespace: 'Closed', tags: [{ name: 't' }] });
  await admin.make({ namespace: 'Given', owner: 'p2' });
  const reader = metadefClient(target, 'p1', 'reader');
  const nobody = metadefClient(target, 'p1', null);
  const homeless = metadefClient(target, null, 'reader');

  for (const caller of [own, reader]) {
    assert.equal((await caller.get('/namespaces/Open')).status, 200);
    assert.equal((await caller.get('/namespaces/Closed')).status, 200);
    refused(await caller.get('/namespaces/Given'), 404, 'namespace_not_found');
    refused(await caller.post('/namespaces', { namespace: 'Mine' }), 403, 'forbidden');
    for (const name of ['Open', 'Closed']) {
      refused(await caller.put(`/namespaces/${name}`, { namespace: name }), 403, 'forbidden');
      refused(await caller.delete(`/namespaces/${name}`), 403, 'forbidden');
    }
  }
  assert.equal((await foreign.get('/namespaces/Open')).status, 200);
  assert.equal((await foreign.get('/namespaces/Given')).status, 200);
  assert.equal((await homeless.get('/namespaces/Open')).status, 200);
  for (const caller of [foreign, homeless, nobody]) {
    const unknown = await caller.get('/namespaces/Nowhere');
    for (const answer of [
      await caller.get('/namespaces/Closed'),
      await caller.put('/namespaces/Closed', { namespace: 'Closed' }),
      await caller.delete('/namespaces/Closed'),
      await caller.delete('/namespaces/Closed/tags'),
    ]) {
      refused(answer, 404, 'namespace_not_found');
      assert.equal(answer.text.replaceAll('Closed', 'Nowhere'), unknown.text);
    }
  }
  refused(await nobody.get('/namespaces/Open'), 404, 'namespace_not_found');
  for (const caller of [homeless, nobody]) refused(await caller.get('/namespaces'), 403, 'forbidden');
});

/** These look at all namespaces that there are. */
const madeBefore = needsOwnServer;

test('a list shows what the caller may see, with resource types and nothing else that is nested', {
  skip: skip || madeBefore,
}, async () => {
  const names = async (caller: MetadefClient, query = '') =>
    (await caller.get(`/namespaces?limit=1000${query}`)).json.namespaces
      .map((one: { namespace: string }) => one.namespace)
      .sort();
  assert.deepEqual(await names(admin), ['Closed', 'Given', 'Net::Nic', 'Open', 'Taken', 'Taker']);
  assert.deepEqual(await names(own), ['Closed', 'Net::Nic', 'Open', 'Taken', 'Taker']);
  assert.deepEqual(await names(foreign), ['Given', 'Net::Nic', 'Open']);
  assert.deepEqual(await names(foreign, '&visibility=private'), ['Given']);
  assert.deepEqual(await names(foreign, '&visibility=public'), ['Net::Nic', 'Open']);
  assert.deepEqual(await names(own, '&resource_types=OS::Nova::Flavor,OS::Unknown'), ['Net::Nic']);
  assert.deepEqual(await names(own, '&resource_types=OS::Unknown'), []);
  assert.deepEqual(await names(own, '&resource_types='), []);

  const { namespaces } = (await own.get('/namespaces?resource_types=OS::Nova::Flavor')).json;
  const { properties, objects, tags, ...shown } = (await own.get('/namespaces/Net::Nic')).json;
  assert.deepEqual(namespaces, [shown]);
});

test('the callers of a list get it page by page', { skip: skip || madeBefore }, async () => {
  const first = await own.get('/namespaces?sort_key=namespace&sort_dir=asc&limit=2');
  assert.deepEqual(
    first.json.namespaces.map((one: { namespace: string }) => one.namespace),
    ['Closed', 'Net::Nic'],
  );
  assert.equal(first.json.first, '/v2/metadefs/namespaces?sort_key=namespace&sort_dir=asc&limit=2');
  assert.equal(
    first.json.next,
    '/v2/metadefs/namespaces?sort_key=namespace&sort_dir=asc&limit=2&marker=Net%3A%3ANic',
  );
  assert.equal(first.json.schema, '/v2/schemas/metadefs/namespaces');
  for (const key of [
    'namespace',
    'display_name',
    'visibility',
    'protected',
    'owner',
    'created_at',
    'updated_at',
  ])
    for (const direction of ['asc', 'desc']) {
      const query = `sort_key=${key}&sort_dir=${direction}`;
      const whole = (await own.get(`/namespaces?${query}`)).json.namespaces;
      const paged = [];
      let next: string | undefined = `/v2/metadefs/namespaces?${query}&limit=2`;
      while (next !== undefined) {
        const { json } = await own.get(next);
        paged.push(...json.namespaces);
        next = json.next;
      }
      assert.deepEqual(paged, whole, query);
      assert.equal(whole.length, 5);
    }
  const empty = (await own.get('/namespaces?limit=0')).json;
  assert.deepEqual(empty.namespaces, []);
  assert.ok(!('next' in empty));
  const newest = (await own.get('/namespaces?limit=1')).json.namespaces[0];
  assert.equal(newest.namespace, 'Closed');
});

test('a list refuses what it does not understand', {
  skip: skip || differs('A list of namespaces takes wrong parameters, or answers them with 500.'),
}, async () => {
  for (const query of [
    'limit=x',
    'limit=-1',
    'limit=1.5',
    'limit=',
    'sort_key=secret',
    'sort_dir=up',
    'visibility=shared',
    'marker=%00',
    'resource_types=%00',
  ])
    refused(await own.get(`/namespaces?${query}`), 400, 'invalid_query');
  for (const marker of ['Nowhere', 'Given', ''])
    refused(await own.get(`/namespaces?marker=${marker}`), 404, 'namespace_not_found');
  assert.equal((await own.get('/namespaces?unknown=1&limit=100000')).status, 200);
});
