/** What namespaces define: properties, objects, tags, resource types (API section 11). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Schema from 'typebox/schema';
import { differs, needsHeaders, openTarget, type Target } from '../support/target.ts';
import {
  type Answer,
  type Json,
  type MetadefClient,
  metadefClient,
  refused,
  timeless,
} from './metadef-client.ts';

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

const names = (list: Json[]): string[] => list.map(({ name }) => name);
const at = (path: string) => `${target.url}/v2/metadefs/namespaces/${path}`;

/** The Location of a definition that was made. */
function locatedAt(made: Answer, path: string): void {
  if (unlocated === false) assert.equal(made.headers.get('location'), at(path));
}
const unlocated = differs('A definition that was made has no Location.');
const noSlashes = differs('A definition with a slash in its name has no path.');
const leavesOutEmpty = differs('What is empty in an object is left out.');

test('a property lives', { skip }, async () => {
  await admin.make({ namespace: 'Props' });
  const list = '/namespaces/Props/properties';
  assert.deepEqual((await own.get(list)).json, { properties: {} });
  const ports = {
    name: 'ports',
    type: 'integer',
    title: 'Ports',
    description: 'How many',
    operators: ['<or>'],
    default: 100,
    minimum: 1,
    maximum: 30000369,
    readonly: false,
  };
  const made = await admin.post(list, ports);
  assert.equal(made.status, 201, made.text);
  locatedAt(made, 'Props/properties/ports');
  assert.deepEqual(made.json, { ...ports, default: '100' });
  assert.deepEqual((await own.get(`${list}/ports`)).json, made.json);
  refused(await admin.post(list, ports), 409, 'definition_exists', /property 'ports'/);

  const speed = { name: 'speed', type: 'string', title: 'Speed', enum: ['1G', '10G'], minLength: 2 };
  assert.equal((await admin.post(list, { ...speed, name: 'rate' })).status, 201);
  const changed = await admin.put(`${list}/ports`, speed);
  assert.equal(changed.status, 200);
  assert.deepEqual(changed.json, speed);
  refused(await own.get(`${list}/ports`), 404, 'definition_not_found');
  assert.deepEqual((await own.get(`${list}/speed`)).json, speed);
  refused(await admin.put(`${list}/speed`, { ...speed, name: 'rate' }), 409, 'definition_exists');
  refused(await admin.put(`${list}/ports`, speed), 404, 'definition_not_found');
  assert.deepEqual((await own.get(list)).json, {
    properties: { speed, rate: { ...speed, name: 'rate' } },
  });

  assert.equal((await admin.delete(`${list}/speed`)).status, 204);
  refused(await admin.delete(`${list}/speed`), 404, 'definition_not_found');
  assert.equal((await admin.delete(list)).status, 204);
  assert.deepEqual((await own.get(list)).json, { properties: {} });
});

test('a property goes by its name on a resource type', { skip }, async () => {
  await admin.make({
    namespace: 'Prefixed',
    resource_type_associations: [{ name: 'Disk', prefix: 'hw:' }, { name: 'Plain' }],
    properties: { bus: { title: 'Bus', type: 'string' } },
  });
  const show = (name: string, type: string) =>
    own.get(`/namespaces/Prefixed/properties/${name}?resource_type=${type}`);
  assert.equal((await show('hw:bus', 'Disk')).json.name, 'bus');
  if (differs('A property has no name on a resource type without prefix.') === false)
    assert.equal((await show('bus', 'Plain')).json.title, 'Bus');
  refused(await show('bus', 'Disk'), 404, 'definition_not_found');
  refused(await show('hw:nothing', 'Disk'), 404, 'definition_not_found');
  refused(await show('bus', 'Unknown'), 404, 'definition_not_found');
  if (differs('NUL in a query is a character.') === false)
    refused(await show('bus', '%00'), 400, 'invalid_query');
});

test('an object lives', { skip: skip || noSlashes || leavesOutEmpty }, async () => {
  await admin.make({ namespace: 'Objects' });
  const list = '/namespaces/Objects/objects';
  assert.deepEqual((await own.get(list)).json, { objects: [], schema: 'v2/schemas/metadefs/objects' });
  const limits = {
    name: 'CPU limits/all',
    description: 'd'.repeat(1200),
    required: ['period'],
    properties: { period: { type: 'integer', title: 'Period', default: 500 } },
  };
  const made = await admin.post(list, limits);
  assert.equal(made.status, 201, made.text);
  locatedAt(made, 'Objects/objects/CPU%20limits%2Fall');
  const record = {
    ...limits,
    properties: { period: { ...limits.properties.period, default: '500' } },
    self: '/v2/metadefs/namespaces/Objects/objects/CPU limits/all',
    schema: '/v2/schemas/metadefs/object',
  };
  assert.deepEqual(timeless(made.json), record);
  const path = `${list}/CPU%20limits%2Fall`;
  assert.deepEqual((await own.get(path)).json, made.json);
  assert.deepEqual((await own.get(list)).json.objects, [made.json]);
  refused(await admin.post(list, limits), 409, 'definition_exists', /object 'CPU limits\/all'/);

  const changed = await admin.put(path, { name: 'RAM' });
  assert.equal(changed.status, 200);
  assert.deepEqual(timeless(changed.json), {
    name: 'RAM',
    required: [],
    properties: {},
    self: '/v2/metadefs/namespaces/Objects/objects/RAM',
    schema: '/v2/schemas/metadefs/object',
  });
  assert.equal(changed.json.created_at, made.json.created_at);
  refused(await own.get(path), 404, 'definition_not_found');
  await admin.post(list, { name: 'Disk' });
  refused(await admin.put(`${list}/Disk`, { name: 'RAM' }), 409, 'definition_exists');
  assert.equal((await admin.delete(`${list}/Disk`)).status, 204);
  refused(await admin.delete(`${list}/Disk`), 404, 'definition_not_found');
  assert.equal((await admin.delete(list)).status, 204);
  assert.deepEqual((await own.get(list)).json.objects, []);
});

test('a tag lives, alone and with others', { skip }, async () => {
  await admin.make({ namespace: 'Tags' });
  const list = '/namespaces/Tags/tags';
  const made = await admin.post(`${list}/a%20b`);
  assert.equal(made.status, 201, made.text);
  locatedAt(made, 'Tags/tags/a%20b');
  assert.deepEqual(timeless(made.json), { name: 'a b' });
  assert.deepEqual((await own.get(`${list}/a%20b`)).json, made.json);
  refused(await admin.post(`${list}/a%20b`), 409, 'definition_exists', /tag 'a b'/);
  refused(await admin.post(`${list}/c`, { name: 'c' }), 400, 'body_not_allowed');
  assert.deepEqual(timeless((await admin.put(`${list}/a%20b`, { name: 'z' })).json), { name: 'z' });

  const set = (tags: string[], append?: string) =>
    admin.post(
      list,
      { tags: tags.map((name) => ({ name })) },
      append === undefined ? {} : { 'X-Openstack-Append': append },
    );
  const listed = async (query = '') => names((await own.get(`${list}${query}`)).json.tags);
  const answer = await set(['t1', 't2', 't3']);
  assert.equal(answer.status, 201);
  locatedAt(answer, 'Tags/tags');
  assert.deepEqual(answer.json, { tags: [{ name: 't1' }, { name: 't2' }, { name: 't3' }] });
  assert.deepEqual(await listed(), ['t3', 't2', 't1']);
  refused(await set(['t4', 't5', 't4']), 409, 'definition_exists', /tag 't4'/);
  assert.deepEqual(await listed(), ['t3', 't2', 't1']);
  assert.equal((await set(['t4', 't5'], 'True')).status, 201);
  refused(await set(['t6', 't1'], 'true'), 409, 'definition_exists', /tag 't1'/);
  assert.deepEqual(await listed('?sort_key=name&sort_dir=asc'), ['t1', 't2', 't3', 't4', 't5']);
  assert.equal((await set(['t1', 't9'], 'no')).status, 201);
  assert.deepEqual(await listed(), ['t9', 't1']);
  if (differs('No tags replace none.') === false) {
    assert.equal((await set([])).status, 201);
    assert.deepEqual(await listed(), []);
  }

  await set(['u1', 'u2']);
  assert.equal((await admin.delete(`${list}/u1`)).status, 204);
  refused(await own.get(`${list}/u1`), 404, 'definition_not_found');
  assert.equal((await admin.delete(list)).status, 204);
  assert.deepEqual(await listed(), []);
});

test('objects and tags are listed whole, or page by page', {
  skip: skip || differs('Lists of definitions take wrong parameters, or answer them with 500.'),
}, async () => {
  const tags = Array.from({ length: 30 }, (_, index) => ({ name: `n${index}` }));
  await admin.make({ namespace: 'Pages', tags, objects: tags });
  for (const [kind, list] of [
    ['tags', '/namespaces/Pages/tags'],
    ['objects', '/namespaces/Pages/objects'],
  ] as const) {
    const listed = async (query: string) => names((await own.get(`${list}?${query}`)).json[kind]);
    for (const order of ['', '&sort_key=name', '&sort_key=updated_at&sort_dir=asc']) {
      const whole = await listed(order);
      assert.equal(whole.length, 30);
      const paged: string[] = [];
      for (let marker = ''; ; marker = `&marker=${paged.at(-1)}`) {
        const page = await listed(`limit=7${order}${marker}`);
        paged.push(...page);
        if (page.length < 7) break;
      }
      assert.deepEqual(paged, whole);
    }
    assert.deepEqual(await listed('limit=0'), []);
    for (const query of ['limit=x', 'limit=-1', 'sort_key=content', 'sort_dir=up', 'marker=%00'])
      refused(await own.get(`${list}?${query}`), 400, 'invalid_query');
    refused(await own.get(`${list}?marker=unknown`), 404, 'definition_not_found');
  }
});

test('resource types are associated, and stay to choose from', { skip }, async () => {
  await admin.make({ namespace: 'Types' });
  const list = '/namespaces/Types/resource_types';
  assert.deepEqual((await own.get(list)).json, { resource_type_associations: [] });
  const disk = { name: 'OS::Disk', prefix: 'hw_', properties_target: 'image' };
  const made = await admin.post(list, disk);
  assert.equal(made.status, 201, made.text);
  locatedAt(made, 'Types/resource_types/OS::Disk');
  assert.deepEqual(timeless(made.json), disk);
  assert.deepEqual((await own.get(list)).json, { resource_type_associations: [made.json] });
  refused(await admin.post(list, disk), 409, 'definition_exists', /resource type 'OS::Disk'/);
  refused(await own.get(`${list}/OS::Disk`), 405, 'method_not_allowed');

  const known = async (caller: MetadefClient) => (await caller.get('/resource_types')).json.resource_types;
  const type = (await known(admin)).find(({ name }: Json) => name === 'OS::Disk');
  assert.deepEqual(timeless(type), { name: 'OS::Disk' });
  assert.equal((await admin.delete(`${list}/OS::Disk`)).status, 204);
  refused(await admin.delete(`${list}/OS::Disk`), 404, 'definition_not_found');
  assert.ok(names(await known(admin)).includes('OS::Disk'));
});

test('resource types of a private namespace are not told to others', {
  skip: skip || differs('Resource types of private namespaces are told to everybody.'),
}, async () => {
  await admin.make({ namespace: 'Secret types', resource_type_associations: [{ name: 'Secret' }] });
  const known = async (caller: MetadefClient) =>
    names((await caller.get('/resource_types')).json.resource_types);
  assert.ok((await known(own)).includes('Secret'));
  assert.ok((await known(admin)).includes('Secret'));
  assert.ok(!(await known(foreign)).includes('Secret'));
  await admin.put('/namespaces/Secret%20types', { namespace: 'Secret types', visibility: 'public' });
  assert.ok((await known(foreign)).includes('Secret'));
  refused(await metadefClient(target, 'p1', null).get('/resource_types'), 403, 'forbidden');
});

/** Every way to read and to write what a namespace defines. */
const reads = [
  '/properties',
  '/properties/one',
  '/objects',
  '/objects/one',
  '/tags',
  '/tags/one',
  '/resource_types',
];
const property = { name: 'new', title: 'New', type: 'string' };
const writes: [method: 'post' | 'put' | 'delete', path: string, body?: object][] = [
  ['post', '/properties', property],
  ['put', '/properties/one', property],
  ['delete', '/properties/one'],
  ['delete', '/properties'],
  ['post', '/objects', { name: 'new' }],
  ['put', '/objects/one', { name: 'new' }],
  ['delete', '/objects/one'],
  ['delete', '/objects'],
  ['post', '/tags', { tags: [{ name: 'one' }] }],
  ['post', '/tags/new'],
  ['put', '/tags/one', { name: 'new' }],
  ['delete', '/tags/one'],
  ['delete', '/tags'],
  ['post', '/resource_types', { name: 'new' }],
  ['delete', '/resource_types/one'],
];
const one = {
  properties: { one: { title: 'One', type: 'string' } },
  objects: [{ name: 'one' }],
  tags: [{ name: 'one' }],
  resource_type_associations: [{ name: 'one' }],
};

test('definitions are read like their namespace, and written by administrators', {
  skip: skip || differs('A hidden namespace and an unknown one are refused in different words.'),
}, async () => {
  await admin.make({ namespace: 'Private', ...one });
  await admin.make({ namespace: 'Public', visibility: 'public', ...one });
  const before = [
    (await admin.get('/namespaces/Private')).text,
    (await admin.get('/namespaces/Public')).text,
  ];
  for (const path of reads) {
    for (const caller of [admin, own, metadefClient(target, 'p1', 'reader')])
      for (const name of ['Private', 'Public'])
        assert.equal((await caller.get(`/namespaces/${name}${path}`)).status, 200, path);
    assert.equal((await foreign.get(`/namespaces/Public${path}`)).status, 200, path);
    const unknown = await foreign.get(`/namespaces/Nowhere${path}`);
    const hidden = await foreign.get(`/namespaces/Private${path}`);
    refused(hidden, 404, 'namespace_not_found');
    assert.equal(hidden.text.replaceAll('Private', 'Nowhere'), unknown.text);
  }
  for (const [method, path, body] of writes) {
    refused(await own[method](`/namespaces/Private${path}`, body), 403, 'forbidden');
    refused(await foreign[method](`/namespaces/Public${path}`, body), 403, 'forbidden');
    const unknown = await foreign[method](`/namespaces/Nowhere${path}`, body);
    const hidden = await foreign[method](`/namespaces/Private${path}`, body);
    refused(hidden, 404, 'namespace_not_found');
    assert.equal(hidden.text.replaceAll('Private', 'Nowhere'), unknown.text);
  }
  assert.deepEqual(
    [(await admin.get('/namespaces/Private')).text, (await admin.get('/namespaces/Public')).text],
    before,
  );
});

test('nothing of a protected namespace can be deleted, but it can be written', { skip }, async () => {
  await admin.make({ namespace: 'Kept', protected: true, ...one });
  for (const [method, path, body] of writes) {
    const answer = await admin[method](`/namespaces/Kept${path}`, body);
    if (method === 'delete') refused(answer, 403, 'namespace_protected');
    else assert.ok(answer.status < 300 || answer.status === 409, answer.text);
  }
  await admin.put('/namespaces/Kept', { namespace: 'Kept' });
  assert.equal((await admin.delete('/namespaces/Kept')).status, 204);
  await admin.make({ namespace: 'Kept' });
  const { properties, objects, tags, resource_type_associations } = (await admin.get('/namespaces/Kept'))
    .json;
  assert.deepEqual([properties, objects, tags, resource_type_associations], Array(4).fill(undefined));
});

test('writers who meet lose nothing and wait for nobody in vain', {
  skip: skip || differs('Of definitions made at the same time some are 409 or 500.'),
}, async () => {
  const many = Array.from({ length: 12 }, (_, index) => index);
  const made = await Promise.all(many.map(() => admin.post('/namespaces', { namespace: 'Race' })));
  assert.deepEqual(made.map(({ status }) => status).sort(), [201, ...Array(11).fill(409)]);
  const added = await Promise.all(many.map((index) => admin.post(`/namespaces/Race/tags/t${index}`)));
  assert.deepEqual(
    added.map(({ status }) => status),
    Array(12).fill(201),
  );
  const types = many.map((index) => ({ name: `Race type ${index}` }));
  const nested = await Promise.all(
    many.map((index) =>
      admin.post('/namespaces', {
        namespace: `Race ${index}`,
        resource_type_associations: index % 2 === 0 ? types : types.toReversed(),
      }),
    ),
  );
  assert.deepEqual(
    nested.map(({ status }) => status),
    Array(12).fill(201),
  );
  const renamed = await Promise.all(
    many.map((index) => admin.put(`/namespaces/Race/tags/t${index}`, { name: 'same' })),
  );
  assert.deepEqual(renamed.map(({ status }) => status).sort(), [200, ...Array(11).fill(409)]);
});

test('schemas of everything are there, and are the ones that records name', { skip }, async () => {
  const documents: Record<string, string> = {
    namespace: 'namespace',
    namespaces: 'namespaces',
    resource_type: 'resource_type_association',
    resource_types: 'resource_type_associations',
    property: 'property',
    properties: 'properties',
    object: 'object',
    objects: 'objects',
    tag: 'tag',
    tags: 'tags',
  };
  for (const [path, name] of Object.entries(documents)) {
    const answer = await own.get(`/v2/schemas/metadefs/${path}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.json.name, name);
    assert.equal(answer.headers.get('content-type'), 'application/json');
  }
});

test('records pass the schemas that clients hold them to', {
  skip:
    skip || differs('The schemas of definitions let unknown members pass and refuse some that are known.'),
}, async () => {
  await admin.make({
    namespace: 'Schemas',
    description: 'All there is',
    display_name: 'Schemas',
    resource_type_associations: [{ name: 'R', prefix: 'r_', properties_target: 'image' }],
    properties: {
      list: {
        title: 'List',
        type: 'array',
        description: 'Some',
        operators: ['<or>'],
        items: { type: 'string', enum: ['a'] },
        minItems: 0,
        maxItems: 3,
        uniqueItems: true,
        additionalItems: false,
        readonly: true,
        confidential: true,
      },
      text: {
        title: 'Text',
        type: 'string',
        pattern: '^a',
        minLength: 0,
        maxLength: 9,
        default: 'a',
        enum: ['a'],
      },
      number: { title: 'Number', type: 'number', minimum: 0.5, maximum: 9, default: 1.5 },
    },
    objects: [{ name: 'o', required: ['p'], properties: { p: { title: 'P', type: 'object' } } }],
    tags: [{ name: 't' }],
  });
  await admin.post('/namespaces/Schemas/properties', { name: 'single', title: 'Single', type: 'boolean' });
  for (const [document, path] of [
    ['namespace', '/namespaces/Schemas'],
    ['property', '/namespaces/Schemas/properties/single'],
    ['object', '/namespaces/Schemas/objects/o'],
    ['tag', '/namespaces/Schemas/tags/t'],
  ] as const) {
    const schema = Schema.Compile((await own.get(`/v2/schemas/metadefs/${document}`)).json);
    const record = (await own.get(path)).json;
    assert.ok(schema.Check(record), JSON.stringify([record, schema.Errors(record)]));
    assert.ok(!schema.Check({ ...(record as object), more: 1 }), document);
  }
  for (const [document, path] of [
    ['namespaces', '/namespaces'],
    ['properties', '/namespaces/Schemas/properties'],
    ['objects', '/namespaces/Schemas/objects'],
    ['tags', '/namespaces/Schemas/tags'],
    ['resource_types', '/namespaces/Schemas/resource_types'],
  ] as const) {
    const schema = Schema.Compile((await own.get(`/v2/schemas/metadefs/${document}`)).json);
    const list = (await own.get(path)).json;
    assert.ok(schema.Check(list), JSON.stringify([list, schema.Errors(list)]));
    assert.ok(
      !schema.Check({ [document === 'resource_types' ? 'resource_type_associations' : document]: 1 }),
    );
  }
});
