/** /v2/image-imports: an image that is there when its data is, and of which nothing is seen before. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ActionRecord, type Route, routes } from '@tintype/contract';
import Schema from 'typebox/schema';
import Value from 'typebox/value';
import { until } from '../support/process.ts';
import { needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { loopbackRules, serve, startWebSource, type WebSource } from '../support/web-source.ts';
import { refused } from './answer.ts';
import { bytes, digest, qcow2 } from './bytes.ts';
import { type Answer, Client, type Json } from './client.ts';

const data = bytes(400_000);
const film = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom'), Buffer.alloc(4096)]);
/** Whether `/late` is there already. */
let isThere = false;
/** Answers the requests for `/held`. */
let release: (() => void) | null = null;

const answer: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url!, 'http://x');
  if (pathname === '/data' || (pathname === '/late' && isThere))
    return serve(request, response, { bytes: data });
  if (pathname === '/qcow2') return serve(request, response, { bytes: qcow2(1 << 20) });
  if (pathname === '/film') return serve(request, response, { bytes: film });
  if (pathname === '/unsized') {
    response.write(data.subarray(0, 1000));
    response.end(data.subarray(1000));
    return;
  }
  if (pathname === '/held') {
    response.writeHead(200, { 'Content-Length': data.length });
    response.write(data.subarray(0, 1000));
    release = () => response.end(data.subarray(1000));
    return;
  }
  response.writeHead(404).end();
};

let source: WebSource;
let target: Target;
let client: Client;
let imports: Json;

before(async () => {
  if (needsOwnServer !== false) return;
  source = await startWebSource(answer);
  target = await openTarget({
    import: loopbackRules,
    stores: ['one', 'two'].map((id) => ({ id, type: 'file' })),
  });
  client = new Client(target);
  imports = (await client.get('/v2/schemas/image-imports')).json;
});
after(async () => {
  await target?.close();
  await source?.close();
});

const order = (path: string, more: object = {}, properties: object = {}) => ({
  location: `${source.url}${path}`,
  image_properties: { name: 'GreatStack 1.22', tags: ['lamp', 'custom'], disk_format: 'raw', ...properties },
  ...more,
});

/** What an answer shows is what the contract and the published schema say. */
function checked(record: Json): Json {
  const [error] = Value.Errors(ActionRecord, record);
  assert.equal(error, undefined, `${error?.instancePath} ${error?.message}`);
  const published = Schema.Compile(imports.properties.image_imports.items);
  assert.ok(published.Check(record), JSON.stringify(record));
  return record;
}

async function begin(body: object): Promise<Json> {
  const answer = await client.post('/v2/image-imports', body);
  assert.equal(answer.status, 201, answer.body.toString());
  assert.ok(answer.headers.location?.endsWith(answer.json.self));
  return checked(answer.json);
}

async function show(id: string): Promise<Json> {
  return checked((await client.get(`/v2/image-imports/${id}`)).json);
}

const ends = ['success', 'failure', 'cancelled'];

async function ended(id: string): Promise<Json> {
  return await until(`the end of import ${id}`, async () => {
    const record = await show(id);
    return ends.includes(record.status) && record;
  });
}

const retry = (id: string): Promise<Answer> => client.call('POST', `/v2/image-imports/${id}/retry`);
const imageCount = async () => (await client.get('/v2/images?limit=1000')).json.images.length as number;

describe('imports that bring an image about', { skip: needsOwnServer }, () => {
  test('an image comes to be with its data', async () => {
    const expected = { algorithm: 'sha256', value: digest('sha256', data).toUpperCase() } as const;
    const more = { expected, size: data.length, stores: ['one', 'two'] };
    const begun = await begin(order('/data', more, { os_distro: 'alpine' }));
    assert.ok(begun.image_properties.name === 'GreatStack 1.22' || begun.status === 'success');
    const done = await ended(begun.id);
    assert.equal(done.status, 'success', done.message);
    assert.equal(done.image_properties, undefined);
    assert.ok(Date.parse(done['expires-by']) > Date.now() + 40 * 3_600_000);
    const image = (await client.get(done.image_ref)).json;
    assert.deepEqual(
      [image.status, image.name, image.tags, image.os_distro, image.container_format, image.stores],
      ['active', 'GreatStack 1.22', ['lamp', 'custom'], 'alpine', 'bare', 'one,two'],
    );
    assert.equal(image.os_hash_value, digest('sha512', data));
    assert.ok(Object.keys(image).every((name) => !name.startsWith('os_glance')));
    assert.deepEqual((await client.download(image.id)).body, data);
    const [task] = await client.tasks(image.id);
    assert.deepEqual([task?.id, task?.status], [begun.id, 'success']);
  });

  test('nothing is seen of the image before', async () => {
    release = null;
    const before = await imageCount();
    const { id } = await begin(order('/held'));
    const record = await until('its data on the way', async () => {
      const now = await show(id);
      return release !== null && now.status === 'uploading' && now;
    });
    assert.deepEqual(
      [record.image_ref, record.image_properties.name, record.progress.step, record.attempt],
      [undefined, 'GreatStack 1.22', 'fetch', 1],
    );
    assert.notEqual(record.heartbeat_at, null);
    assert.deepEqual([record.stalled, record['expires-by']], [false, undefined]);
    assert.equal(await imageCount(), before);
    release!();
    assert.equal((await ended(id)).status, 'success');
    assert.equal(await imageCount(), before + 1);
  });

  test('of one that fails the reason is told, without what is secret', async () => {
    const before = await imageCount();
    const secret = order('/none?signature=s3cr3t');
    secret.location = secret.location.replace('//', '//me:s3cr3t@');
    const { id } = await begin(secret);
    const record = await ended(id);
    const message = `Could not retrieve image. Received 404 response for url '${source.url}/none?…'.`;
    assert.deepEqual([record.status, record.message], ['failure', message]);
    assert.deepEqual(record.error, { code: 'source_refused', message, step: 'fetch', retryable: true });
    assert.equal(record.location, `${source.url}/none?…`);
    assert.equal(record.image_properties.name, 'GreatStack 1.22');
    assert.notEqual(record['expires-by'], undefined);
    for (const text of [JSON.stringify(record), ...target.server!.log]) assert.doesNotMatch(text, /s3cr3t/);
    assert.equal(await imageCount(), before);
  });

  test('what is no image is refused, and what it is, is told', async () => {
    const record = await ended((await begin(order('/film', {}, { disk_format: 'qcow2' }))).id);
    assert.deepEqual(
      [record.status, record.error.code, record.error.step, record.error.retryable],
      ['failure', 'format_mismatch', 'verify', false],
    );
    assert.match(record.message, /looks like .*MP4/);
    refused(await retry(record.id), 'flow_state');
    for (const image_properties of [{ disk_format: 'raw' }, {}]) {
      const { id } = await begin({ location: `${source.url}/film`, image_properties });
      const { message, error } = await ended(id);
      assert.equal(message, 'The data is no disk image: it looks like an MP4 video.');
      assert.deepEqual([error.code, error.step], ['format_mismatch', 'verify']);
    }
  });

  test('the format of a disk is found out when nobody says it', async () => {
    for (const [path, format] of [
      ['/data', 'raw'],
      ['/qcow2', 'qcow2'],
    ] as const) {
      const { id } = await begin({ location: source.url + path, image_properties: {} });
      const { image_ref, message } = await ended(id);
      assert.notEqual(image_ref, undefined, message);
      const image = (await client.get(image_ref)).json;
      assert.deepEqual([image.disk_format, image.container_format], [format, 'bare']);
      assert.equal(image.virtual_size, format === 'raw' ? data.length : 1 << 20);
    }
  });

  test('the data must be what was expected', async () => {
    const other = { expected: { algorithm: 'md5', value: '0'.repeat(32) } };
    assert.equal((await ended((await begin(order('/data', other))).id)).error.code, 'digest_mismatch');
  });

  test('a source of another size than announced is not fetched, or given up as soon as that shows', async () => {
    const sizes = [
      ['/held', 5, 'fetch', `has ${data.length} bytes, announced were 5`],
      ['/data', data.length + 1, 'fetch', `has ${data.length} bytes`],
      ['/unsized', 5, 'fetch', 'at least'],
      ['/unsized', data.length + 1, 'verify', 'announced'],
    ] as const;
    for (const [path, size, step, words] of sizes) {
      const { error } = await ended((await begin(order(path, { size }))).id);
      assert.deepEqual([error.code, error.step, error.retryable], ['size_mismatch', step, false]);
      assert.ok(error.message.includes(words), error.message);
    }
    const { id } = await begin(order('/unsized', { size: data.length }));
    assert.equal((await ended(id)).status, 'success');
  });

  test('a retry goes on at the step that failed, and ends with the image', async () => {
    const { id } = await begin(order('/late'));
    assert.equal((await ended(id)).status, 'failure');
    isThere = true;
    assert.equal((await retry(id)).status, 202);
    const record = await until('the image', async () => {
      const now = await show(id);
      return now.status === 'success' && now;
    });
    assert.deepEqual([record.error, record.image_properties], [undefined, undefined]);
    assert.equal((await client.get(record.image_ref)).json.status, 'active');
    refused(await retry(id), 'flow_state');
    refused(await client.call('POST', `/v2/image-imports/${id}/cancel`), 'flow_state');
    // An image that is there stays when its import is forgotten.
    assert.equal((await client.delete(`/v2/image-imports/${id}`)).status, 204);
    refused(await client.get(`/v2/image-imports/${id}`), 'action_not_found');
    assert.equal((await client.get(record.image_ref)).status, 200);
  });

  test('a cancelled one leaves its record, a deleted one nothing', async () => {
    const before = await imageCount();
    for (const [method, path, left] of [
      ['POST', '/cancel', 'cancelled'],
      ['DELETE', '', null],
    ] as const) {
      release = null;
      const { id } = await begin(order('/held'));
      await until('its data on the way', async () => release !== null);
      const answer = await client.call(method, `/v2/image-imports/${id}${path}`);
      assert.equal(answer.status, left === null ? 204 : 202);
      if (left === null) refused(await client.get(`/v2/image-imports/${id}`), 'action_not_found');
      else assert.equal((await ended(id)).status, left);
    }
    assert.equal(await imageCount(), before);
    const { id } = await begin(order('/none'));
    await ended(id);
    assert.equal((await client.call('POST', `/v2/image-imports/${id}/cancel`)).status, 202);
    await until('the end', async () => (await show(id)).status === 'cancelled');
    refused(await retry(id), 'flow_state');
  });

  test('what makes no sense is refused at once', async () => {
    const ask = (body: unknown) => client.post('/v2/image-imports', body);
    refused(await ask({ image_properties: {} }), 'bad_request', /location/);
    refused(await ask(order('/data', { upload: true })), 'bad_request', /upload/);
    refused(await ask({ upload: false, image_properties: {} }), 'bad_request', /upload must be true/);
    refused(await ask({ location: `${source.url}/data` }), 'bad_request', /image_properties/);
    refused(
      await ask(order('/data', { nonsense: 1 })),
      'bad_request',
      /request body must not have 'nonsense'/,
    );
    const of = { algorithm: 'crc32', value: '00000000000000000000000000000000' };
    refused(await ask(order('/data', { expected: of })), 'bad_request', /algorithm must be one of md5, sha1/);
    const more = { expected: { ...of, algorithm: 'md5', unit: 1 } };
    refused(await ask(order('/data', more)), 'bad_request', /expected must not have 'unit'/);
    refused(await ask(order('/data', { size: -1 })), 'bad_request');
    refused(await ask(order('/data', { stores: ['nowhere'] })), 'unknown_store');
    refused(await ask(order('/data', { disk_format: 'qcow2' })), 'bad_request', /two formats/);
    const appliance = { location: `${source.url}/data`, image_properties: { container_format: 'ova' } };
    refused(await ask(appliance), 'bad_request', /disk_format/);
    refused(
      await ask(order('/data', { expected: { algorithm: 'sha256', value: 'a'.repeat(32) } })),
      'bad_request',
    );
    refused(await ask(order('/data', {}, { id: randomUUID() })), 'bad_request', /id/);
    refused(await ask(order('/data', {}, { size: 1 })), 'read_only');
    refused(await ask(order('/data', {}, { min_disk: -1 })), 'invalid_attribute');
    refused(await ask({ ...order('/data'), location: 'http://169.254.169.254/' }), 'address_blocked');
    refused(await ask({ ...order('/data'), location: 'swift://cloud.foo/a' }), 'source_not_allowed');
    refused(await client.get('/v2/image-imports?status=asleep'), 'invalid_query');
    refused(await client.get(`/v2/image-imports?marker=${randomUUID()}`), 'invalid_marker');
  });
});

describe('the imports of a project', { skip: needsOwnServer || needs('member', 'other', 'admin') }, () => {
  test('are listed in pages, by status, and among all actions', async () => {
    const other = new Client(target, 'other');
    const ids: string[] = [];
    for (const path of ['/data', '/none', '/data', '/data']) {
      const { json } = await other.post('/v2/image-imports', order(path));
      await until('its end', async () =>
        ends.includes((await other.get(`/v2/image-imports/${json.id}`)).json.status),
      );
      ids.unshift(json.id);
    }
    const seen: string[] = [];
    const schema = Schema.Compile(imports);
    let page: Json = { next: '/v2/image-imports?limit=3' };
    while (page.next !== undefined) {
      page = (await other.get(page.next)).json;
      assert.equal(schema.Check(page), true);
      seen.push(...page.image_imports.map(({ id }: Json) => id));
    }
    assert.deepEqual(seen, ids);
    const failed = (await other.get('/v2/image-imports?status=failure')).json.image_imports;
    assert.deepEqual(
      failed.map(({ id }: Json) => id),
      [ids[2]],
    );
    assert.deepEqual((await other.get('/v2/image-imports?status=waiting')).json.image_imports, []);

    const all = (await other.get('/v2/image-actions?action_type=import&status=success&limit=2')).json;
    assert.deepEqual(
      all.image_actions.map(({ self }: Json) => self),
      [ids[0], ids[1]].map((id) => `/v2/image-imports/${id}`),
    );
    assert.ok(all.next.startsWith('/v2/image-actions?'));
    assert.deepEqual((await other.get(all.next)).json.image_actions.length, 1);
    assert.equal((await other.get(`/v2/image-actions/${ids[0]}`)).json.id, ids[0]);
    refused(await other.get('/v2/image-actions?action_type=dance'), 'invalid_query');
  });

  test('are like nothing to other projects', async () => {
    const member = new Client(target, 'member');
    const other = new Client(target, 'other');
    const { json } = await member.post('/v2/image-imports', order('/none'));
    await ended(json.id);
    const shape = ({ status, body }: Answer, id: string) => [status, body.toString().replaceAll(id, 'ID')];
    const below = (Object.values(routes) as Route[]).filter(({ path }) => path.includes(':action_id'));
    const asks = below.map(({ method, path }) => [method, path] as const);
    assert.ok(asks.length > 4);
    for (const [method, path] of [...asks, ['GET', '/v2/image-imports?marker=:action_id'] as const]) {
      const absent = randomUUID();
      const known = await other.call(method, path.replace(':action_id', json.id));
      const unknown = await other.call(method, path.replace(':action_id', absent));
      assert.deepEqual(shape(known, json.id), shape(unknown, absent), path);
      assert.ok(known.status >= 400, path);
    }
    const listed = (await other.get('/v2/image-imports?limit=1000')).json.image_imports;
    assert.ok(listed.every(({ id }: Json) => id !== json.id));
    const admin = new Client(target, 'admin');
    assert.equal((await admin.get(`/v2/image-imports/${json.id}`)).json.owner, json.owner);
  });
});

test('the operator who allows no fetching allows none here', { skip: needsOwnServer }, async () => {
  const closed = await openTarget({ import: { ...loopbackRules, methods: ['glance-direct'] } });
  try {
    refused(await new Client(closed).post('/v2/image-imports', order('/data')), 'import_method');
  } finally {
    await closed.close();
  }
});

test('the quota counts an image before it is there, and when it is', { skip: needsOwnServer }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-import-quotas-'));
  await writeFile(
    join(folder, 'quotas.yaml'),
    'default: { image_count_total: 1, image_count_uploading: 1 }\n',
  );
  const full = await openTarget({
    import: loopbackRules,
    quotas: { source: 'file', file: join(folder, 'quotas.yaml') },
  });
  try {
    const owner = new Client(full, 'member');
    release = null;
    const { json } = await owner.post('/v2/image-imports', order('/held'));
    await until('its data on the way', async () => release !== null);
    const { usage } = (await owner.get('/v2/info/usage')).json;
    assert.deepEqual([usage.image_count_total.usage, usage.image_count_uploading.usage], [0, 1]);
    refused(await owner.post('/v2/image-imports', order('/data')), 'quota_exceeded', /image_count_uploading/);
    const other = await owner.create({});
    release!();
    const record = await until('its end', async () => {
      const now = (await owner.get(`/v2/image-imports/${json.id}`)).json;
      return now.status === 'failure' && now;
    });
    assert.deepEqual([record.error.code, record.error.step], ['quota_exceeded', 'create']);
    assert.equal((await owner.get('/v2/images')).json.images.length, 1);

    await owner.delete(`/v2/images/${other.id}`);
    assert.equal((await owner.call('POST', `/v2/image-imports/${json.id}/retry`)).status, 202);
    await until('its image', async () => {
      const now = (await owner.get(`/v2/image-imports/${json.id}`)).json;
      return now.status === 'success';
    });
    refused(await owner.post('/v2/image-imports', order('/data')), 'quota_exceeded', /image_count_total/);
  } finally {
    await full.close();
    await rm(folder, { recursive: true, force: true });
  }
});
