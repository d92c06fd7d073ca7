/** /v2/image-exports: the data of an image goes to a URL that takes it, and to nobody who may not have it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { ActionRecord } from '@tintype/contract';
import Schema from 'typebox/schema';
import Value from 'typebox/value';
import { until } from '../support/process.ts';
import { needs, needsOwnServer, openTarget, type Role, type Target } from '../support/target.ts';
import {
  loopbackPlaces,
  loopbackRules,
  startWebSource,
  take,
  type WebSource,
} from '../support/web-source.ts';
import { refused } from './answer.ts';
import { bytes, digest } from './bytes.ts';
import { type Answer, Client, type Json, raw } from './client.ts';
import { listen } from './event-stream.ts';

const data = bytes(400_000, 7);
/** What was sent, by path and query: whole requests only. */
const sent = new Map<string, Buffer>();
/** What `/changing` answers. */
let status = 403;
/** Takes the rest of what is sent to `/held`. */
let release: (() => void) | null = null;

const answer: RequestListener = async (request, response) => {
  const { pathname } = new URL(request.url!, 'http://x');
  if (pathname === '/held')
    await new Promise<void>((resolve) => {
      release = resolve;
    });
  if (pathname === '/changing' && status !== 201)
    return request.resume().on('end', () => response.writeHead(status).end());
  const body = await take(request, response);
  if (body !== null) sent.set(request.url!, body);
};

let place: WebSource;
let target: Target;
let client: Client;
let exportsSchema: Json;

before(async () => {
  if (needsOwnServer !== false) return;
  place = await startWebSource(answer);
  target = await openTarget({ export: loopbackPlaces });
  client = new Client(target);
  exportsSchema = (await client.get('/v2/schemas/image-exports')).json;
});
after(async () => {
  release?.();
  await target?.close();
  await place?.close();
});

/** What an answer shows is what the contract and the published schema say. */
function checked(record: Json): Json {
  const [error] = Value.Errors(ActionRecord, record);
  assert.equal(error, undefined, `${error?.instancePath} ${error?.message}`);
  const published = Schema.Compile(exportsSchema.properties.image_exports.items);
  assert.ok(published.Check(record), JSON.stringify(record));
  return record;
}

const order = (image: string, path: string, more: object = {}) => ({
  image_ref: `/v2/images/${image}`,
  location: place.url + path,
  ...more,
});

async function begin(body: object, as = client): Promise<Json> {
  const answer = await as.post('/v2/image-exports', body);
  assert.equal(answer.status, 201, answer.body.toString());
  assert.ok(answer.headers.location?.endsWith(answer.json.self));
  return checked(answer.json);
}

const show = async (id: string) => checked((await client.get(`/v2/image-exports/${id}`)).json);
const become = (id: string, wanted: (record: Json) => boolean) =>
  until(`the wanted state of export ${id}`, async () => {
    const record = await show(id);
    return wanted(record) && record;
  });
const ended = (id: string) =>
  become(id, (record) => ['success', 'failure', 'cancelled'].includes(record.status));
const retry = (id: string): Promise<Answer> => client.call('POST', `/v2/image-exports/${id}/retry`);

describe('exports', { skip: needsOwnServer }, () => {
  test('data arrives as it is, and its digests are told', async () => {
    const image = await client.createActive(data);
    const begun = await begin(order(image.id, '/as-it-is'));
    assert.deepEqual(
      [begun.action_type, begun.image_ref, begun.image_properties],
      ['export', `/v2/images/${image.id}`, undefined],
    );
    const done = await ended(begun.id);
    assert.deepEqual([done.status, done.message], ['success', `Sent ${data.length} bytes`]);
    assert.ok(sent.get('/as-it-is')?.equals(data));
    assert.deepEqual(
      [done.location, done.size, done.disk_format, done.checksum, done.os_hash_algo, done.os_hash_value],
      [`${place.url}/as-it-is`, data.length, 'raw', digest('md5', data), 'sha512', digest('sha512', data)],
    );
    assert.ok(Date.parse(done['expires-by']) > Date.now() + 40 * 3_600_000);
    const request = place.requests.find(({ path }) => path === '/as-it-is')!;
    assert.equal(request.headers['content-length'], String(data.length));
    refused(await retry(begun.id), 'flow_state');
    refused(await client.call('POST', `/v2/image-exports/${begun.id}/cancel`), 'flow_state');
    const plain = await begin({ ...order(image.id, '/by-id'), image_ref: image.id, disk_format: 'raw' });
    assert.equal((await ended(plain.id)).status, 'success');
    assert.ok(sent.get('/by-id')?.equals(data));
  });

  test('an empty image is nothing that is sent all the same', async () => {
    const image = await client.createActive(Buffer.alloc(0));
    const done = await ended((await begin(order(image.id, '/empty'))).id);
    assert.deepEqual([done.status, done.size, sent.get('/empty')?.length], ['success', 0, 0]);
  });

  test('data is converted on its way', async () => {
    const image = await client.createActive(data);
    const done = await ended((await begin(order(image.id, '/converted', { disk_format: 'qcow2' }))).id);
    assert.equal(done.status, 'success', done.message);
    assert.match(done.message, /converted from raw to qcow2/);
    const made = sent.get('/converted')!;
    assert.equal(made.subarray(0, 4).toString('latin1'), 'QFI\xfb');
    assert.ok(made.includes(data.subarray(0, 65_536)));
    assert.deepEqual(
      [done.size, done.disk_format, done.checksum, done.os_hash_value],
      [made.length, 'qcow2', digest('md5', made), digest('sha512', made)],
    );
    assert.deepEqual((await client.show(image.id)).json, image, 'the image is what it was');
  });

  test('of one that fails the reason is told, without what is secret, and a retry goes on', async () => {
    const image = await client.createActive(data);
    const path = '/changing?signature=s3cr3t';
    const secret = order(image.id, path);
    secret.location = secret.location.replace('//', '//me:s3cr3t@');
    const { id } = await begin(secret);
    const record = await ended(id);
    const message = `Could not send the image. Received 403 response for url '${place.url}/changing?…'.`;
    assert.deepEqual([record.status, record.message], ['failure', message]);
    assert.deepEqual(record.error, { code: 'target_refused', message, step: 'send', retryable: true });
    assert.equal(record.location, `${place.url}/changing?…`);
    for (const text of [JSON.stringify(record), ...target.server!.log]) assert.doesNotMatch(text, /s3cr3t/);
    status = 201;
    assert.equal((await retry(id)).status, 202);
    const done = await become(id, (now) => now.status === 'success');
    assert.equal(done.error, undefined);
    assert.ok(sent.get(path)?.equals(data));
    assert.doesNotMatch(JSON.stringify(done), /s3cr3t/);
    status = 403;
  });

  test('one under way shows how far it is, and ends when it is told to', async () => {
    const image = await client.createActive(data);
    for (const [method, path, left] of [
      ['POST', '/cancel', 'cancelled'],
      ['DELETE', '', null],
    ] as const) {
      release = null;
      const { id } = await begin(order(image.id, '/held'));
      const now = await become(id, ({ progress }) => release !== null && progress?.total === data.length);
      assert.deepEqual(
        [now.status, now.progress.step, now.attempt, now.stalled, now['expires-by']],
        ['uploading', 'send', 1, false, undefined],
      );
      assert.notEqual(now.heartbeat_at, null);
      const told = await client.call(method, `/v2/image-exports/${id}${path}`);
      assert.equal(told.status, left === null ? 204 : 202);
      if (left === null) refused(await client.get(`/v2/image-exports/${id}`), 'action_not_found');
      else assert.equal((await ended(id)).status, left);
      release!();
    }
    assert.equal((await client.show(image.id)).json.status, 'active');
  });

  test('what makes no sense is refused at once', async () => {
    const ask = (body: unknown) => client.post('/v2/image-exports', body);
    const { id } = await client.createActive(data);
    const queued = await client.create(raw);
    refused(await ask(order(randomUUID(), '/x')), 'image_not_found');
    refused(await ask(order('../x', '/x')), 'image_not_found');
    refused(await ask(order(queued.id, '/x')), 'status_conflict', /active/);
    refused(await ask(order(id, '/x', { disk_format: 'dance' })), 'bad_request', /dance/);
    refused(await ask(order(id, '/x', { nonsense: 1 })), 'bad_request');
    refused(await ask({ image_ref: id }), 'bad_request', /location/);
    const packed = await client.createActive(data, { container_format: 'ova' });
    refused(await ask(order(packed.id, '/x', { disk_format: 'qcow2' })), 'bad_request', /converted/);
    for (const [location, code] of [
      ['http://169.254.169.254/x', 'address_blocked'],
      ['swift://cloud.foo/a', 'source_not_allowed'],
      ['nowhere', 'source_url_invalid'],
    ] as const)
      refused(await ask({ image_ref: id, location }), code);
    refused(await client.get('/v2/image-exports?status=asleep'), 'invalid_query');
    refused(await client.get(`/v2/image-exports?marker=${randomUUID()}`), 'invalid_marker');
  });
});

describe('the exports of a project', { skip: needsOwnServer || needs('member', 'other', 'admin') }, () => {
  test('are its own: listed in pages, among all actions, and like nothing to others', async () => {
    const other = new Client(target, 'other');
    const image = await other.createActive(data);
    const ids: string[] = [];
    for (const path of ['/list', '/list', '/list']) {
      const { id } = await begin(order(image.id, path), other);
      await until('its end', async () => {
        const { json } = await other.get(`/v2/image-exports/${id}`);
        return json.status === 'success';
      });
      ids.unshift(id);
    }
    const seen: string[] = [];
    let page: Json = { next: '/v2/image-exports?limit=2' };
    while (page.next !== undefined) {
      page = (await other.get(page.next)).json;
      assert.equal(Schema.Compile(exportsSchema).Check(page), true);
      seen.push(...page.image_exports.map(({ id }: Json) => id));
    }
    assert.deepEqual(seen, ids);
    const all = (await other.get('/v2/image-actions?action_type=export&status=success')).json;
    assert.deepEqual(
      all.image_actions.map(({ self }: Json) => self),
      ids.map((id) => `/v2/image-exports/${id}`),
    );
    assert.deepEqual((await other.get('/v2/image-imports')).json.image_imports, []);
    refused(await other.get(`/v2/image-imports/${ids[0]}`), 'action_not_found');

    const member = new Client(target, 'member');
    const shape = ({ status, body }: Answer, id: string) => [status, body.toString().replaceAll(id, 'ID')];
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/retry'],
      ['POST', '/cancel'],
    ] as const) {
      const ask = async (id: string) =>
        shape(await member.call(method, `/v2/image-exports/${id}${path}`), id);
      assert.deepEqual(await ask(ids[0]!), await ask(randomUUID()), method + path);
    }
    const listed = (await member.get('/v2/image-exports?limit=1000')).json.image_exports;
    assert.ok(listed.every(({ id }: Json) => !ids.includes(id)));
    const admin = new Client(target, 'admin');
    assert.equal((await admin.get(`/v2/image-exports/${ids[0]}`)).json.id, ids[0]);
  });

  test('are told of to whoever asked for them, whosever the image is, and to nobody else', async () => {
    const [member, other] = [new Client(target, 'member'), new Client(target, 'other')];
    const image = await member.createActive(data, { visibility: 'community' });
    status = 403;
    const { id } = await begin(order(image.id, '/changing?signature=s3cr3t'), other);
    const path = `/v2/image-exports/${id}`;
    const become = (wanted: string) =>
      until(`status ${wanted}`, async () => (await other.get(path)).json.status === wanted);
    await become('failure');
    status = 201;
    assert.equal((await other.call('POST', `${path}/retry`)).status, 202);
    await become('success');
    status = 403;
    assert.equal((await other.delete(path)).status, 204);

    const told = async (role: Role, more = '') => {
      const stream = await listen(target, role, `?follow=false&after=0&type=image_export${more}`);
      await stream.ended;
      return stream.blocks.filter((block) => block.data.payload.id === id);
    };
    const blocks = await told('other');
    assert.deepEqual(
      blocks.map(({ event, data: { payload } }) => `${event} ${payload.status} ${payload.deleted}`),
      [
        'image_export.create waiting false',
        'image_export.failure failure false',
        'image_export.success success false',
        'image_export.delete success true',
      ],
    );
    const payloads = blocks.map((block) => block.data.payload);
    assert.equal(payloads[1].error.code, 'target_refused');
    assert.deepEqual(
      [payloads[2].result.size, payloads[2].result.os_hash_value, payloads[2].error],
      [data.length, digest('sha512', data), null],
    );
    for (const payload of payloads)
      assert.deepEqual(
        [payload.image_id, payload.location],
        [image.id, `${place.url}/changing?…`],
        'what was secret is not told',
      );
    assert.deepEqual(await told('member'), []);
    assert.equal((await told('admin', '&all_projects=true')).length, 4);
  });

  test('are of images that it may download, also when they are retried', async () => {
    const member = new Client(target, 'member');
    const other = new Client(target, 'other');
    const admin = new Client(target, 'admin');
    const image = await member.createActive(data, { visibility: 'private' });
    const hidden = await other.post('/v2/image-exports', order(image.id, '/x'));
    refused(hidden, 'image_not_found');
    const absent = randomUUID();
    const unknown = await other.post('/v2/image-exports', order(absent, '/x'));
    assert.equal(
      hidden.body.toString().replaceAll(image.id, 'ID'),
      unknown.body.toString().replaceAll(absent, 'ID'),
    );
    await member.patch(image.id, [{ op: 'replace', path: '/visibility', value: 'community' }]);
    status = 403;
    const { id } = await begin(order(image.id, '/changing'), other);
    const path = `/v2/image-exports/${id}`;
    await until('its failure', async () => (await other.get(path)).json.status === 'failure');
    await member.patch(image.id, [{ op: 'replace', path: '/visibility', value: 'private' }]);
    refused(await other.call('POST', `${path}/retry`), 'image_not_found');

    assert.equal((await admin.call('POST', `/v2/images/${image.id}/actions/deactivate`)).status, 204);
    refused(await member.post('/v2/image-exports', order(image.id, '/x')), 'image_deactivated');
    const rescued = await begin(order(image.id, '/rescued'), admin);
    await until('its end', async () => (await admin.get(rescued.self)).json.status === 'success');
    assert.ok(sent.get('/rescued')?.equals(data));
  });
});

test('the operator says where images may be sent', { skip: needsOwnServer }, async () => {
  const closed = await openTarget({ import: loopbackRules });
  try {
    const member = new Client(closed);
    const { id } = await member.createActive(data);
    refused(await member.post('/v2/image-exports', order(id, '/x')), 'source_not_allowed', /port/);
    const local = { image_ref: id, location: 'http://127.0.0.1/x' };
    refused(await member.post('/v2/image-exports', local), 'address_blocked');
  } finally {
    await closed.close();
  }
});
