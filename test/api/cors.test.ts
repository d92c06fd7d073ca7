/** Browsers of configured origins may call every route, and read every answer (API section 1). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Route, routes } from '@tintype/contract';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { bytes } from './bytes.ts';
import { Client, raw, send } from './client.ts';

const skip = needsOwnServer;
const origin = 'https://console.example';
let target: Target;
let client: Client;

before(async () => {
  target = await openTarget({ cors: { origins: [origin, 'https://other.example'] } });
  client = new Client(target);
});
after(() => target.close());

function listOf(header: string | undefined): string[] {
  return (header ?? '').split(',').map((word) => word.trim().toLowerCase());
}

const table = Object.entries(routes) as [string, Route][];

test('a browser may ask for every route before it has a token', { skip }, async () => {
  for (const [name, { method, path }] of table) {
    const headers = {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'content-type,x-auth-token',
    };
    const { status, headers: said } = await send(target, null, 'OPTIONS', path.replaceAll(/:\w+/g, 'x'), {
      headers,
    });
    assert.ok(status === 200 || status === 204, `${name}: ${status}`);
    assert.equal(said['access-control-allow-origin'], origin, name);
    assert.ok(listOf(said['access-control-allow-methods']).includes(method.toLowerCase()), name);
    const allowed = listOf(said['access-control-allow-headers']);
    for (const header of [
      ...['content-type', 'range', 'x-auth-token', 'x-openstack-request-id', 'x-image-meta-store'],
      ...['x-openstack-image-size', 'accept-encoding'],
    ])
      assert.ok(allowed.includes(header), `${name}: ${header}`);
  }
});

test('answers of every kind can be read, refusals too', { skip }, async () => {
  const headers = { Origin: origin };
  const data = { ...headers, 'Content-Type': 'application/octet-stream' };
  const { id } = await client.createActive(bytes(1000));
  const { id: queued } = await client.create(raw);
  const cases: [number, Promise<Awaited<ReturnType<typeof send>>>][] = [
    [200, client.get('/v2/images', headers)],
    [201, client.post('/v2/images', raw, headers)],
    [206, client.get(`/v2/images/${id}/file`, { ...headers, Range: 'bytes=0-9' })],
    [416, client.get(`/v2/images/${id}/file`, { ...headers, Range: 'bytes=9999-' })],
    [400, client.post('/v2/images', { name: 5 }, headers)],
    [401, send(target, null, 'GET', '/v2/images', { headers })],
    [403, client.post('/v2/images', { status: 'active' }, headers)],
    [404, client.get('/v2/images/none', headers)],
    [404, client.get('/v2/nothing', headers)],
    [404, client.get('/v2/images/%zz', headers)],
    [405, client.call('PUT', '/v2/images', { headers })],
    [409, client.call('PUT', `/v2/images/${id}/file`, { body: bytes(10), headers: data })],
    [415, client.call('PUT', `/v2/images/${queued}/file`, { body: bytes(10), headers })],
    [204, client.call('PUT', `/v2/images/${queued}/file`, { body: bytes(10), headers: data })],
  ];
  for (const [expected, asked] of cases) {
    const { status, headers: said } = await asked;
    assert.equal(status, expected);
    assert.equal(said['access-control-allow-origin'], origin, String(status));
    const exposed = listOf(said['access-control-expose-headers']?.toString());
    for (const header of [
      ...[
        'x-openstack-request-id',
        'location',
        'openstack-image-import-methods',
        'openstack-image-store-ids',
      ],
      ...['content-range', 'content-md5'],
    ])
      assert.ok(exposed.includes(header), `${status}: ${header}`);
    // Who may read depends on who asks: caches have to know.
    assert.match(said.vary ?? 'none', /origin/i, String(status));
  }
});

test('other origins get nothing, and nobody does where none is configured', { skip }, async () => {
  const other = await client.get('/v2/images', { Origin: 'https://evil.example' });
  assert.notEqual(other.headers['access-control-allow-origin'], 'https://evil.example');
  assert.notEqual(other.headers['access-control-allow-origin'], '*');
  const plain = await openTarget();
  try {
    const { status, headers } = await new Client(plain).get('/v2/images', { Origin: origin });
    assert.equal(status, 200);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('access-control-')),
      [],
    );
  } finally {
    await plain.close();
  }
});
