/** Finding the API: versions document, health, and the ways to name a version (API section 1). */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { VersionsDocument } from '@tintype/contract';
import Value from 'typebox/value';
import { differs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { Client, type Json, send } from './client.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

function checkDocument(document: Json): void {
  assert.ok(Value.Check(VersionsDocument, document), JSON.stringify(document));
  const ids: string[] = document.versions.map(({ id }: Json) => id);
  assert.deepEqual(Object.keys(document), ['versions']);
  const minors = ids.map((id) => Number(/^v2\.(\d+)$/.exec(id)?.[1]));
  assert.deepEqual(
    minors,
    minors.toSorted((a, b) => b - a),
    'newest first',
  );
  assert.equal(minors.at(-1), 0);
  assert.equal(new Set(ids).size, ids.length);
  const statuses = document.versions.map(({ status }: Json) => status);
  assert.deepEqual(statuses, ['CURRENT', ...Array(ids.length - 1).fill('SUPPORTED')]);
  for (const { links } of document.versions)
    assert.deepEqual(links, [{ rel: 'self', href: `${target.url}/v2/` }]);
}

for (const path of ['/', '/v2.99', '/v2.99/images', '/v1', '/v1/images', '/v3', '/nothing', '/?a=b'])
  test(`GET ${path} shows the versions with 300 and needs no token`, async () => {
    const answer = await send(target, null, 'GET', path);
    assert.equal(answer.status, 300);
    assert.equal(answer.headers['content-type'], 'application/json');
    checkDocument(answer.json);
  });

test('GET /versions shows the same document with 200 and needs no token', async () => {
  const answer = await send(target, null, 'GET', '/versions');
  assert.equal(answer.status, 200);
  checkDocument(answer.json);
  assert.deepEqual(answer.json, (await send(target, null, 'GET', '/')).json);
});

test('what this server does is announced, and what it does not do is not', {
  skip: needsOwnServer,
}, async () => {
  const { versions } = (await client.get('/versions')).json;
  const ids = new Set(versions.map(({ id }: Json) => id));
  for (const id of ['v2.0', 'v2.1', 'v2.2', 'v2.7', 'v2.12']) assert.ok(ids.has(id), id);
  const routes: Record<string, [string, string]> = {
    'v2.3': ['POST', '/v2/images/{i}/actions/deactivate'],
    'v2.6': ['POST', '/v2/images/{i}/import'],
    'v2.14': ['GET', '/v2/cache'],
    'v2.17': ['GET', '/v2/images/{i}/locations'],
  };
  const { id: image } = await client.create();
  const admin = new Client(target, 'admin');
  for (const [id, [method, path]] of Object.entries(routes)) {
    const { status } = await admin.call(method, path.replace('{i}', image));
    assert.equal(ids.has(id), status !== 404, `${id}: ${method} ${path} answers ${status}`);
  }
});

test('GET /v2 leads to /v2/, which is nothing', async () => {
  const role = differs('GET /v2 needs a token.') === false ? null : 'caller';
  for (const path of ['/v2', '/v2.1', '/v2?a=b']) {
    const answer = await send(target, role, 'GET', path);
    assert.equal(answer.status, 302, path);
    assert.match(answer.headers.location ?? 'none', /^https?:\/\/[^/]+\/v2\/$/);
  }
  refused(await client.get('/v2/'), 'not_found');
});

test('GET /healthcheck says OK and needs no token', async () => {
  const answer = await send(target, null, 'GET', '/healthcheck');
  assert.equal(answer.status, 200);
  assert.equal(answer.body.toString(), 'OK');
  assert.match(answer.headers['content-type'] ?? 'none', /^text\/plain/);
});

test('GET /readyz says which parts answer', { skip: differs('There is no /readyz.') }, async () => {
  const answer = await send(target, null, 'GET', '/readyz');
  assert.equal(answer.status, 200);
  const { ready, checks } = answer.json;
  assert.equal(ready, true);
  assert.ok(Object.keys(checks).length >= 3);
  for (const [part, state] of Object.entries(checks)) assert.equal(state, 'ok', part);
});

test('GET /metrics shows figures in Prometheus form', {
  skip: differs('There is no /metrics.'),
}, async () => {
  await client.get('/v2/images');
  const answer = await send(target, null, 'GET', '/metrics');
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'] ?? 'none', /^text\/plain; version=0\.0\.4/);
  const text = answer.body.toString();
  assert.match(
    text,
    /^tintype_http_request_duration_seconds_count\{method="GET",route="\/v2\/images",status="200"\} [1-9]/m,
  );
  assert.match(text, /^tintype_uploads_in_progress 0$/m);
  assert.match(text, /^tintype_database_connections\{state="idle"\} \d+$/m);
  assert.match(text, /^tintype_store_free_bytes\{store="[^"]+"\} [1-9]\d*$/m);
  assert.match(text, /^tintype_image_bytes_received_total \d+$/m);
  assert.match(text, /^tintype_image_bytes_sent_total \d+$/m);
});

const versionsByFeature = differs(
  'A version beyond v2.7 leads nowhere while what it announces is off, or came with a later release.',
);

test('every version from v2.0 to v2.18 leads to the same handlers', async () => {
  const { id } = await client.create({ name: 'by any version' });
  for (let minor = 0; minor <= 18; minor += 1) {
    if (minor > 7 && versionsByFeature !== false) continue;
    const answer = await client.get(`/v2.${minor}/images/${id}`);
    assert.equal(answer.status, 200, `v2.${minor}`);
    assert.equal(answer.json.self, `/v2/images/${id}`);
    assert.deepEqual((await client.get(`/v2.${minor}/images?id=${id}`)).json.first, `/v2/images?id=${id}`);
  }
});

test('Accept can name the version instead of the path', async () => {
  const { id } = await client.create();
  for (const version of ['v2', 'v2.0', versionsByFeature === false ? 'v2.12' : 'v2.7']) {
    const answer = await client.get(`/images/${id}`, {
      Accept: `application/vnd.openstack.images-${version}`,
    });
    assert.equal(answer.status, 200, version);
    assert.equal(answer.json.id, id);
  }
  for (const version of ['v1', 'v2.99', 'v3', 'v22']) {
    const answer = await client.get(`/images/${id}`, {
      Accept: `application/vnd.openstack.images-${version}`,
    });
    assert.equal(answer.status, 300, version);
  }
  if (differs('A version in Accept counts more than the one in the path.') !== false) return;
  const both = await client.get(`/v2.1/images/${id}`, { Accept: 'application/vnd.openstack.images-v2.99' });
  assert.equal(both.status, 200, 'the path counts');
});

test('links name the public endpoint when one is configured', { skip: needsOwnServer }, async () => {
  const behind = await openTarget({ publicEndpoint: 'https://images.example.org/glance/' });
  try {
    const document = (await send(behind, null, 'GET', '/versions')).json;
    for (const { links } of document.versions)
      assert.equal(links[0].href, 'https://images.example.org/glance/v2/');
    const made = await new Client(behind).post('/v2/images', {});
    assert.equal(made.headers.location, `https://images.example.org/glance/v2/images/${made.json.id}`);
    const unknown = await send(behind, null, 'GET', '/v2/images');
    assert.equal(unknown.headers['www-authenticate'], "Keystone uri='https://images.example.org/glance'");
    const redirect = await send(behind, null, 'GET', '/v2');
    assert.equal(redirect.headers.location, 'https://images.example.org/glance/v2/');
  } finally {
    await behind.close();
  }
});

test('forwarded headers are not trusted unless configured', { skip: needsOwnServer }, async () => {
  const headers = {
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Prefix': '/evil',
    Forwarded: 'host=evil.example;proto=https',
  };
  const { versions } = (await client.get('/versions', headers)).json;
  assert.equal(versions[0].links[0].href, `${target.url}/v2/`);
});

test('an operator takes a server out of service with a file', { skip: needsOwnServer }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tintype-withdrawn-'));
  const withdrawnFile = path.join(folder, 'down');
  const own = await openTarget({ withdrawnFile });
  const ask = async () => {
    const answer = await fetch(`${own.url}/healthcheck`);
    return [answer.status, answer.headers.get('content-type')?.split(';')[0], await answer.text()];
  };
  try {
    assert.deepEqual(await ask(), [200, 'text/plain', 'OK']);
    await writeFile(withdrawnFile, '');
    assert.deepEqual(await ask(), [503, 'text/plain', 'DISABLED BY FILE']);
    // Whoever comes all the same is served.
    assert.equal((await new Client(own).get('/v2/images')).status, 200);
    await rm(withdrawnFile);
    assert.deepEqual(await ask(), [200, 'text/plain', 'OK']);
  } finally {
    await own.close();
    await rm(folder, { recursive: true, force: true });
  }
});
