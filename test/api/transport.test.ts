/** What holds for every request: methods, bodies, identity, request ids, media types (API section 1). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Route, routes } from '@tintype/contract';
import { differs, needs, needsIdentity, openTarget, type Target } from '../support/target.ts';
import { plainErrors, refused } from './answer.ts';
import { bytes, pieces } from './bytes.ts';
import { Client, raw, send } from './client.ts';

let target: Target;
let client: Client;
let image: string;

before(async () => {
  target = await openTarget();
  client = new Client(target);
  image = (await client.create({ ...raw, tags: ['there'] })).id;
});
after(() => target.close());

const table = Object.values(routes) as Route[];
const verbs = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

function pathOf(route: Route): string {
  return route.path.replace(':image_id', image).replace(':tag', 'there');
}

/** Of the routes of this path, and of those with a parameter where it has a word. */
function methodsOf(path: string): string[] {
  const leadsTo = (route: { readonly path: string }) =>
    route.path === path || new RegExp(`^${route.path.replaceAll(/:\w+/g, '[^/:]+')}$`).test(path);
  return table.filter(leadsTo).map(({ method }) => method);
}

test('an unknown path below /v2 is 404', async () => {
  for (const path of [
    '/v2/nothing',
    '/v2/images/a/b/c',
    `/v2/images/${image}/nothing`,
    ...(differs('Doubled slashes in a path are one.') === false ? ['/v2//images'] : []),
    '/v2/schemas',
    '/v2/schemas/nothing',
    '/v2/Images',
  ])
    for (const method of verbs)
      assert.equal((await client.call(method, path)).status, 404, `${method} ${path}`);
});

test('no path has a trailing slash', async () => {
  for (const route of table.filter(({ path }) => path.startsWith('/v2/'))) {
    const headers = route.body === 'data' ? { 'Content-Type': 'application/octet-stream' } : {};
    const answer = await client.call(route.method, `${pathOf(route)}/`, { headers });
    assert.ok([404, 405].includes(answer.status), `${route.method} ${route.path}/ answers ${answer.status}`);
  }
  assert.equal((await client.put(`/v2/images/${image}/tags/`)).status, 404);
  assert.deepEqual((await client.show(image)).json.tags, ['there']);
});

/** Resources that every release of the API has, with these methods. */
const lasting =
  /^\/v2\/(schemas\/(?!image-)|metadefs\/)|^\/v2\/images(\/:image_id(\/(file|tags\/.*|members.*|actions\/(de|re)activate))?)?$/;
const strict =
  differs(
    'Wrong methods are 405 on images, members, schemas and metadata definitions only; OPTIONS is 200.',
  ) === false
    ? table
    : table.filter(({ path }) => lasting.test(path));
const optionsIsOurs = strict === table;

test('a known path with another method is 405 and says which it takes', async () => {
  const methods = [...verbs, 'TRACE', ...(optionsIsOurs ? ['OPTIONS'] : [])];
  for (const path of new Set(strict.map((route) => route.path))) {
    const allowed = methodsOf(path);
    const route = table.find((one) => one.path === path)!;
    for (const method of methods.filter((one) => !allowed.includes(one))) {
      const answer = await client.call(method, pathOf(route));
      refused(answer, 'method_not_allowed');
      assert.deepEqual(
        (answer.headers.allow ?? '').split(', ').sort(),
        allowed.toSorted(),
        `${method} ${path}`,
      );
    }
  }
});

test('HEAD is 405 on every route below /v2, with the headers of the refusal and no body', async () => {
  for (const route of strict.filter(({ path }) => path.startsWith('/v2/'))) {
    const answer = await client.call('HEAD', pathOf(route));
    assert.equal(answer.status, 405, route.path);
    assert.equal(answer.body.length, 0);
    assert.deepEqual(
      (answer.headers.allow ?? '').split(', ').sort(),
      methodsOf(route.path).sort(),
      route.path,
    );
    if (plainErrors === false) assert.equal(answer.headers['content-type'], 'application/json');
  }
});

test('a verb that nobody knows is 501', { skip: differs('A verb that nobody knows is 405.') }, async () => {
  for (const method of ['PROPFIND', 'PURGE', 'LINK', 'SEARCH', 'M-SEARCH'])
    refused(await client.call(method, '/v2/images'), 'unknown_method');
});

test('without identity everything below /v2 is 401 and says where to get it', {
  skip: needsIdentity,
}, async () => {
  for (const route of table.filter(({ open }) => open !== true)) {
    const answer = await send(target, null, route.method, pathOf(route));
    refused(answer, 'unauthenticated');
  }
  assert.equal((await send(target, null, 'GET', '/v2/nothing')).status, 401);
  assert.equal((await send(target, null, 'DELETE', '/v2/images')).status, 401);
});

const careful =
  differs(
    'A body is overlooked by lists of images, and overlooked or 500 by definitions, /v2/info and task schemas.',
  ) === false
    ? table
    : strict.filter(({ path }) => path !== '/v2/images' && !/^\/v2\/(metadefs|schemas\/tasks?$)/.test(path));
const oddChunks = differs(
  'A chunked body, empty or not, is overlooked by GET and refused by PUT and DELETE.',
);

test('a body where none is allowed is 400, measured or chunked', async () => {
  const body = Buffer.from('{"a":1}');
  for (const route of careful.filter((one) => one.body === 'none' && one.open !== true)) {
    const path =
      route.method === 'DELETE' && route.path.endsWith(':image_id') ? `/v2/images/${image}` : pathOf(route);
    refused(await client.call(route.method, path, { body }), 'body_not_allowed');
    if (oddChunks !== false) continue;
    refused(await client.call(route.method, path, { body, chunked: true }), 'body_not_allowed');
  }
  assert.equal((await client.show(image)).status, 200, 'nothing was done');
});

test('an empty chunked body is no body, and a Content-Type alone says nothing', async () => {
  for (const type of ['application/octet-stream', 'application/json', 'text/plain', 'nonsense']) {
    const headers = { 'Content-Type': type };
    assert.equal((await client.get(`/v2/images/${image}`, headers)).status, 200, type);
    assert.equal((await client.get('/v2/images', headers)).status, 200, type);
    assert.equal((await client.put(`/v2/images/${image}/tags/empty`, headers)).status, 204, type);
    assert.equal((await client.delete(`/v2/images/${image}/tags/empty`, headers)).status, 204, type);
  }
  const zero = { body: Buffer.alloc(0) };
  assert.equal((await client.call('PUT', `/v2/images/${image}/tags/zero`, zero)).status, 204);
  assert.equal((await client.call('DELETE', `/v2/images/${image}/tags/zero`, zero)).status, 204);
  if (oddChunks !== false) return;
  const empty = { body: Buffer.alloc(0), chunked: true };
  assert.equal((await client.call('GET', `/v2/images/${image}`, empty)).status, 200);
  assert.equal((await client.call('PUT', `/v2/images/${image}/tags/chunked`, empty)).status, 204);
  assert.equal((await client.call('DELETE', `/v2/images/${image}/tags/chunked`, empty)).status, 204);
});

test('a JSON document is taken whatever its Content-Type', async () => {
  const body = Buffer.from('{"name":"any type"}');
  for (const type of [
    undefined,
    'text/plain',
    'application/octet-stream',
    ...(differs('A document called a form is not read when it is chunked.') === false
      ? ['application/x-www-form-urlencoded']
      : []),
    'x',
  ])
    for (const chunked of [false, true]) {
      const answer = await client.call('POST', '/v2/images', {
        body,
        chunked,
        headers: { 'Content-Type': type },
      });
      assert.equal(answer.status, 201, `${type}, chunked ${chunked}`);
      assert.equal(answer.json.name, 'any type');
      await client.delete(`/v2/images/${answer.json.id}`);
    }
});

test('bodies may be chunked everywhere', async () => {
  const name = 'chunked '.repeat(10);
  const document = Buffer.from(JSON.stringify({ ...raw, name }));
  const made = await client.call('POST', '/v2/images', { body: pieces(document, 7) });
  assert.equal(made.status, 201);
  const operations = Buffer.from(JSON.stringify([{ op: 'replace', path: '/name', value: 'b' }]));
  const type = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
  const path = `/v2/images/${made.json.id}`;
  const changed = await client.call('PATCH', path, { body: pieces(operations, 5), headers: type });
  assert.equal(changed.json.name, 'b');
  const data = bytes(300_000);
  assert.equal((await client.upload(made.json.id, pieces(data, 9_999))).status, 204);
  assert.deepEqual((await client.download(made.json.id)).body, data);
  await client.delete(path);
});

test('the answer is JSON whatever Accept says', { skip: plainErrors }, async () => {
  for (const accept of ['*/*', 'text/html', 'text/plain', 'application/xml;q=1', '', undefined])
    for (const [path, status] of [
      ['/v2/images/none', 404],
      ['/v2/images?limit=x', 400],
      ['/v2/images?limit=1', 200],
    ] as const) {
      const answer = await client.get(path, { Accept: accept });
      assert.equal(answer.status, status);
      assert.equal(answer.headers['content-type'], 'application/json');
    }
});

test('a request id that the client chose is kept, one over 64 characters is 431', async () => {
  const chosen = 'req-3c6f3e1a-0000-4000-8000-1234567890ab';
  const kept = await client.get('/v2/images?limit=1', { 'X-Openstack-Request-Id': chosen });
  assert.equal(kept.headers['x-openstack-request-id'], chosen);
  const longest = `req-${'x'.repeat(60)}`;
  const whole = await client.get('/v2/images?limit=1', { 'X-Openstack-Request-Id': longest });
  assert.equal(whole.headers['x-openstack-request-id'], longest);
  const refusal = await client.get('/v2/images/none', { 'X-Openstack-Request-Id': chosen });
  assert.equal(refusal.headers['x-openstack-request-id'], chosen, 'refusals carry it too');
  if (differs('A request id over 64 characters is 500.') !== false) return;
  for (const path of ['/v2/images', '/', '/v2/nothing'])
    refused(await client.get(path, { 'X-Openstack-Request-Id': 'r'.repeat(65) }), 'header_too_large');
});

test('request ids that nobody chose differ', async () => {
  const ids = new Set<unknown>();
  for (let i = 0; i < 20; i += 1)
    ids.add((await client.get('/v2/images?limit=1')).headers['x-openstack-request-id']);
  assert.equal(ids.size, 20);
});

test('header lines over 32 KiB are 431', {
  skip: differs('Header lines that are too long are 400 or 414.'),
}, async () => {
  refused(await client.get('/v2/images', { 'X-Padding': 'p'.repeat(40_000) }), 'header_too_large');
  refused(await client.get(`/v2/images?name=${'n'.repeat(40_000)}`), 'header_too_large');
});

test('roles sent beside a token count for nothing', {
  skip:
    needs('reader') ||
    differs('Headers with underscores are those with dashes: keystonemiddleware in front takes them out.'),
}, async () => {
  // In mode "headers" these are spellings that the proxy in front does not send.
  const forged = {
    X_Roles: 'admin',
    'X-Role': 'admin',
    'X-User-Roles': 'admin',
    'X-Is-Admin-Project': 'True',
    X_Project_Id: 'project-two',
    'X-Service-Roles': 'admin,service',
    'X-Service-Identity-Status': 'Confirmed',
  };
  const reader = new Client(target, 'reader');
  refused(await reader.post('/v2/images', {}, forged), 'forbidden');
});
