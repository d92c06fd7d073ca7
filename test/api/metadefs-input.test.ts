/** What metadata definitions may not be: wrong input, and more of it than there is room for (API section 11, OSSN-0088). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { differs, needsHeaders, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { type Json, type MetadefClient, metadefClient, refused } from './metadef-client.ts';

const skip = needsHeaders;
const careless = differs(
  'Definitions that do not fit are stored or 500, and have no bounds but those of their names.',
);
let target: Target;
let admin: MetadefClient;

before(async () => {
  target = await openTarget();
  admin = metadefClient(target, 'p1', 'admin');
  await admin.make({ namespace: 'N' });
  await admin.post('/namespaces/N/properties', { name: 'p', title: 'P', type: 'string' });
  await admin.post('/namespaces/N/objects', { name: 'o' });
  await admin.post('/namespaces/N/tags/t');
});
after(() => target.close());

const long = (length: number) => 'ü'.repeat(length);
const property = { name: 'p', title: 'P', type: 'string' };

const wrongProperties: Json[] = [
  { title: 'P' },
  { type: 'string' },
  { ...property, type: 'text' },
  { ...property, type: null },
  { ...property, title: null },
  { ...property, description: 1 },
  { ...property, minLength: -1 },
  { ...property, maxLength: 1.5 },
  { ...property, minimum: '1' },
  { ...property, enum: 'a' },
  { ...property, enum: [{}] },
  { ...property, enum: [null] },
  { ...property, operators: [1] },
  { ...property, required: ['a'] },
  { ...property, default: {} },
  { ...property, default: ['a'] },
  { ...property, default: null },
  { ...property, items: {} },
  { ...property, items: { type: 'string', more: 1 } },
  { ...property, readonly: 'yes' },
  { ...property, more: 1 },
  { ...property, name: long(81) },
  { ...property, name: '' },
  { ...property, description: 'a\0b' },
  { ...property, title: '\ud800' },
];

const wrongObjects: Json[] = [
  {},
  { name: 1 },
  { name: '' },
  { name: long(81) },
  { name: 'o', description: null },
  { name: 'o', required: 'a' },
  { name: 'o', required: ['a', 'b', 'a'] },
  { name: 'o', properties: [] },
  { name: 'o', properties: { [long(81)]: { title: 'T', type: 'string' } } },
  { name: 'o', properties: { '': { title: 'T', type: 'string' } } },
  { name: 'o', properties: { a: { title: 'T' } } },
  { name: 'o', properties: { 'a\nb': { title: 'T', type: 'strange' } } },
  { name: 'o', more: 1 },
];

const wrongNamespaces: Json[] = [
  {},
  { namespace: null },
  { namespace: '' },
  { namespace: long(81) },
  { namespace: 'a\0b' },
  { namespace: 'X', display_name: long(81) },
  { namespace: 'X', display_name: null },
  { namespace: 'X', description: long(501) },
  { namespace: 'X', visibility: 'shared' },
  { namespace: 'X', protected: 'true' },
  { namespace: 'X', owner: long(256) },
  { namespace: 'X', owner: '' },
  { namespace: 'X', more: 1 },
  { namespace: 'X', properties: [property] },
  { namespace: 'X', properties: { p: { title: 'P' } } },
  { namespace: 'X', objects: [{}] },
  { namespace: 'X', objects: [{ name: 'o', properties: { p: { type: 'string' } } }] },
  { namespace: 'X', tags: [{ name: long(81) }] },
  { namespace: 'X', tags: ['t'] },
  { namespace: 'X', resource_type_associations: [{ prefix: 'a' }] },
  { namespace: 'X', resource_type_associations: [{ name: 'R', prefix: long(81) }] },
];

const notObjects: Json[] = [[], 'text', 1, true, null];

test('bodies that do not fit are refused, and nothing is written', { skip: skip || careless }, async () => {
  for (const body of [...wrongNamespaces, ...notObjects]) {
    refused(await admin.post('/namespaces', JSON.stringify(body)), 400, 'bad_request');
    refused(await admin.put('/namespaces/N', JSON.stringify(body)), 400, 'bad_request');
  }
  const twice = { namespace: 'X', objects: [{ name: 'o', required: ['a', 'a'] }] };
  refused(await admin.post('/namespaces', twice), 400, 'bad_request', /object 'o'/);
  for (const body of [...wrongProperties, ...notObjects]) {
    refused(await admin.post('/namespaces/N/properties', JSON.stringify(body)), 400, 'bad_request');
    refused(await admin.put('/namespaces/N/properties/p', JSON.stringify(body)), 400, 'bad_request');
  }
  for (const body of [...wrongObjects, ...notObjects]) {
    refused(await admin.post('/namespaces/N/objects', JSON.stringify(body)), 400, 'bad_request');
    refused(await admin.put('/namespaces/N/objects/o', JSON.stringify(body)), 400, 'bad_request');
  }
  for (const body of [
    {},
    { tags: null },
    { tags: ['t'] },
    { tags: [{}] },
    { tags: [], more: 1 },
    ...notObjects,
  ])
    refused(await admin.post('/namespaces/N/tags', JSON.stringify(body)), 400, 'bad_request');
  for (const body of [{}, { name: long(81) }, { name: '' }, { name: 't', more: 1 }, ...notObjects])
    refused(await admin.put('/namespaces/N/tags/t', JSON.stringify(body)), 400, 'bad_request');
  for (const body of [{}, { name: long(81) }, { name: 'R', properties_target: long(81) }, ...notObjects])
    refused(await admin.post('/namespaces/N/resource_types', JSON.stringify(body)), 400, 'bad_request');
  refused(await admin.post(`/namespaces/N/tags/${encodeURIComponent(long(81))}`), 400, 'bad_request');

  const { properties, objects, tags, ...rest } = (await admin.get('/namespaces/N')).json;
  assert.deepEqual(properties, { p: property });
  assert.deepEqual([objects[0].name, objects.length], ['o', 1]);
  assert.deepEqual(tags, [{ name: 't' }]);
  assert.ok(!('resource_type_associations' in rest));
});

test('the largest that fits is taken', { skip: skip || careless }, async () => {
  const all = {
    namespace: long(80),
    display_name: long(80),
    description: long(500),
    owner: long(255),
    properties: { [long(80)]: { title: '', type: 'string', default: '', enum: ['a', 1, false] } },
  };
  const made = await admin.make(all);
  for (const [key, value] of Object.entries(all)) assert.deepEqual(made[key], value);
  assert.deepEqual((await admin.get(`/namespaces/${encodeURIComponent(long(80))}`)).json, made);
});

test('what only the server writes is refused', { skip }, async () => {
  for (const name of ['self', 'schema', 'created_at', 'updated_at']) {
    const message = new RegExp(`'${name}'`);
    refused(await admin.post('/namespaces', { namespace: 'X', [name]: 'x' }), 403, 'read_only', message);
    refused(await admin.put('/namespaces/N', { namespace: 'N', [name]: 'x' }), 403, 'read_only', message);
    refused(await admin.post('/namespaces/N/objects', { name: 'x', [name]: 'x' }), 403, 'read_only', message);
    refused(
      await admin.put('/namespaces/N/objects/o', { name: 'o', [name]: 'x' }),
      403,
      'read_only',
      message,
    );
  }
  for (const name of ['created_at', 'updated_at']) {
    refused(await admin.post('/namespaces/N/properties', { ...property, [name]: 'x' }), 403, 'read_only');
    refused(await admin.put('/namespaces/N/tags/t', { name: 't', [name]: 'x' }), 403, 'read_only');
    refused(await admin.post('/namespaces/N/resource_types', { name: 'R', [name]: 'x' }), 403, 'read_only');
  }
});

test('documents that are no documents are refused', { skip: skip || careless }, async () => {
  const paths = ['/namespaces', '/namespaces/N/properties', '/namespaces/N/objects', '/namespaces/N/tags'];
  for (const path of paths) {
    for (const text of [
      '{',
      '{"namespace":"X","__proto__":{}}',
      '{"name":"x","properties":{"__proto__":{"title":"T","type":"string"}}}',
      '['.repeat(200_000),
      `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
    ])
      refused(await admin.post(path, text), 400, 'invalid_json');
    refused(await admin.post(path, `${'['.repeat(1000)}${']'.repeat(1000)}`), 400, 'bad_request');
    refused(await admin.post(path, `"${'a'.repeat(1024 * 1024)}"`), 413, 'body_too_large');
    refused(await admin.post(path), 400, 'invalid_json');
  }
  refused(
    await admin.post('/namespaces/N/properties', `{"name":"q","title":"Q","type":"number","minimum":1e400}`),
    400,
    'bad_request',
  );
  const odd = { name: 'constructor', title: 'C', type: 'number', minimum: 1e300, default: 2 ** 60 };
  assert.deepEqual((await admin.post('/namespaces/N/properties', odd)).json, {
    ...odd,
    default: '1152921504606847000',
  });
  assert.equal((await admin.get('/namespaces/N')).json.properties.constructor.minimum, 1e300);
});

test('a document that is wrong in many places is refused at once', { skip: skip || careless }, async () => {
  const many = 200_000;
  const started = performance.now();
  for (const more of [
    { required: Array(many).fill('a') },
    { properties: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`p${index}`, {}])) },
    { properties: { p: { ...property, enum: Array(many).fill({}) } } },
    { properties: { p: { ...property, operators: Array(many).fill(1) } } },
  ])
    refused(await admin.post('/namespaces/N/objects', { name: 'o', ...more }), 400, 'bad_request');
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds < 30, `${seconds} s`);
});

test('a refusal does not repeat what it refuses at length', { skip: skip || careless }, async () => {
  const key = 'k'.repeat(500_000);
  const answer = await admin.post('/namespaces', { namespace: 'X', properties: { [key]: {} } });
  refused(answer, 400, 'bad_request');
  assert.ok(answer.text.length < 2000, `${answer.text.length} characters`);
});

test('paths that name nothing storable name nothing', { skip: skip || careless }, async () => {
  for (const path of [
    '/namespaces/%00',
    '/namespaces/N%00/tags',
    '/namespaces/N/tags/%00',
    '/namespaces/N/objects/%00',
    '/namespaces/N/properties/a%00b',
  ]) {
    assert.equal((await admin.get(path)).status, 404, path);
    assert.equal((await admin.delete(path)).status, 404, path);
  }
  assert.equal((await admin.delete('/namespaces/N/resource_types/%00')).status, 404);
  assert.equal((await admin.get('/namespaces/%ff')).status, 404);
  refused(await admin.get('/namespaces/__proto__'), 404, 'namespace_not_found');
  refused(await admin.get('/namespaces/constructor/tags/toString'), 404, 'namespace_not_found');
});

test('a namespace has room for a definite number of definitions and bytes', {
  skip: skip || careless,
}, async () => {
  await admin.make({ namespace: 'Full' });
  const tags = (count: number) => ({
    tags: Array.from({ length: count }, (_, index) => ({ name: `t${index}` })),
  });
  refused(await admin.post('/namespaces/Full/tags', tags(2001)), 413, 'quota_metadefs', /2000/);
  refused(await admin.post('/namespaces', { namespace: 'Fuller', ...tags(2001) }), 413, 'quota_metadefs');
  refused(await admin.get('/namespaces/Fuller'), 404, 'namespace_not_found');
  assert.equal((await admin.post('/namespaces/Full/tags', tags(2000))).status, 201);
  refused(await admin.post('/namespaces/Full/tags/more'), 413, 'quota_metadefs');
  assert.equal((await admin.delete('/namespaces/Full/tags/t0')).status, 204);
  assert.equal((await admin.post('/namespaces/Full/tags/more')).status, 201);

  const types = (count: number) => ({
    resource_type_associations: Array.from({ length: count }, (_, index) => ({ name: `r${index}` })),
  });
  await admin.make({ namespace: 'Typed', ...types(64) });
  refused(
    await admin.post('/namespaces/Typed/resource_types', { name: 'more' }),
    413,
    'quota_metadefs',
    /64/,
  );

  await admin.make({ namespace: 'Heavy' });
  const heavy = (name: string, size: number) => ({ ...property, name, description: 'd'.repeat(size) });
  const list = '/namespaces/Heavy/properties';
  assert.equal((await admin.post(list, heavy('a', 600_000))).status, 201);
  refused(await admin.post(list, heavy('b', 600_000)), 413, 'quota_metadefs', /bytes/);
  assert.equal((await admin.post(list, heavy('b', 10))).status, 201);
  refused(await admin.put(`${list}/b`, heavy('b', 600_000)), 413, 'quota_metadefs');
  assert.equal((await admin.get(`${list}/b`)).json.description.length, 10);
});

test('an owner has room for a definite number of namespaces, and the cloud for one of resource types', {
  skip: needsOwnServer,
}, async () => {
  const database = new pg.Client({ connectionString: target.server!.config.database.url! });
  await database.connect();
  try {
    await database.query(
      `INSERT INTO metadef_namespaces (namespace, visibility, protected, owner, created_at, updated_at)
       SELECT 'crowd-' || n, 'private', false, 'crowd', now(), now() FROM generate_series(1, 999) AS n`,
    );
    await database.query(
      `INSERT INTO metadef_resource_types (name, created_at, updated_at)
       SELECT 'crowd-' || n, now(), now() FROM generate_series(1, 999 - (SELECT count(*) FROM metadef_resource_types)) AS n`,
    );
  } finally {
    await database.end();
  }
  await admin.make({ namespace: 'last', owner: 'crowd' });
  refused(
    await admin.post('/namespaces', { namespace: 'late', owner: 'crowd' }),
    413,
    'quota_metadefs',
    /1000/,
  );
  refused(await admin.put('/namespaces/N', { namespace: 'N', owner: 'crowd' }), 413, 'quota_metadefs');
  assert.equal((await admin.put('/namespaces/last', { namespace: 'last', owner: 'crowd' })).status, 200);
  await admin.make({ namespace: 'elsewhere' });

  const types = '/namespaces/last/resource_types';
  assert.equal((await admin.post(types, { name: 'last' })).status, 201);
  refused(await admin.post(types, { name: 'late' }), 413, 'quota_metadefs', /1000/);
  assert.equal((await admin.post(types, { name: 'crowd-1' })).status, 201);
});
