/** /v2/image-clones and POST /v2/image-actions: an image comes to be in another region, which is a second server. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ActionRecord, type Route, routes } from '@tintype/contract';
import Schema from 'typebox/schema';
import Value from 'typebox/value';
import { type OtherServer, startOther } from '../support/other-server.ts';
import { until } from '../support/process.ts';
import { needs, needsOwnServer, openTarget, type Role, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes, digest } from './bytes.ts';
import { type Answer, Client, type Json, raw } from './client.ts';
import { listen } from './event-stream.ts';

const data = bytes(300_000);
let there: OtherServer;
let target: Target;
let client: Client;
let published: Json;

before(async () => {
  if (needsOwnServer !== false) return;
  there = await startOther({ stores: ['one', 'two'].map((id) => ({ id, type: 'file' })) });
  const regions = [{ name: 'Two', endpoint: `${there.url}/v2/` }];
  target = await openTarget({ import: { regions } });
  client = new Client(target, 'member');
  published = (await client.get('/v2/schemas/image-clones')).json;
});
after(async () => {
  await target?.close();
  await there?.close();
});

const order = (image: string, more: object = {}) => ({
  image_ref: `/v2/images/${image}`,
  region: 'two',
  ...more,
});

const token = () => ({ 'X-Auth-Token': there.token });

const ask = (body: unknown, path = '/v2/image-clones', as: Client = client): Promise<Answer> =>
  as.post(path, body, token());

/** What an answer shows is what the contract and the published schema say. */
function checked(record: Json): Json {
  const [error] = Value.Errors(ActionRecord, record);
  assert.equal(error, undefined, `${error?.instancePath} ${error?.message}`);
  const schema = Schema.Compile(published.properties.image_clones.items);
  assert.ok(schema.Check(record), JSON.stringify(record));
  return record;
}

async function begin(body: object, path?: string): Promise<Json> {
  const answer = await ask(body, path);
  assert.equal(answer.status, 201, answer.body.toString());
  assert.ok(answer.headers.location?.endsWith(answer.json.self));
  return checked(answer.json);
}

const ends = ['success', 'failure', 'cancelled'];

async function ended({ self }: Json): Promise<Json> {
  return await until(`the end of ${self}`, async () => {
    const record = checked((await client.get(self)).json);
    return ends.includes(record.status) && record;
  });
}

async function shownThere({ target: { image_ref } }: Json): Promise<Json> {
  return await (await there.ask('GET', image_ref)).json();
}

describe('a clone in another region', { skip: needsOwnServer }, () => {
  test('has the data, and what describes it anywhere', async () => {
    const image = await client.createActive(data, {
      ...{ name: 'rescue', tags: ['a', 'b'], min_disk: 2, min_ram: 64, visibility: 'private' },
      ...{ os_distro: 'debian', kernel_id: randomUUID(), cinder_encryption_key_id: randomUUID() },
    });
    const begun = await begin({ action_type: 'clone', ...order(image.id) }, '/v2/image-actions');
    assert.deepEqual(
      [begun.action_type, begun.image_ref, begun.region],
      ['clone', `/v2/images/${image.id}`, 'two'],
    );
    const done = await ended(begun);
    assert.equal(done.status, 'success', done.message);
    assert.equal(done.message, `Cloned ${data.length} bytes to region 'two'`);
    assert.equal(done.image_ref, begun.image_ref);
    assert.ok(Date.parse(done['expires-by']) > Date.now() + 40 * 3_600_000);
    const { image_ref, ...facts } = done.target;
    assert.deepEqual(facts, {
      region: 'two',
      size: data.length,
      checksum: digest('md5', data),
      os_hash_algo: 'sha512',
      os_hash_value: digest('sha512', data),
    });
    const clone = await shownThere(done);
    assert.notEqual(clone.id, image.id);
    for (const name of ['name', 'tags', 'min_disk', 'min_ram', 'visibility', 'disk_format', 'os_distro'])
      assert.deepEqual(clone[name], image[name], name);
    assert.deepEqual(
      [clone.status, clone.container_format, clone.kernel_id, clone.cinder_encryption_key_id],
      ['active', 'bare', undefined, undefined],
    );
    const file = await there.ask('GET', `${image_ref}/file`);
    assert.ok(Buffer.from(await file.arrayBuffer()).equals(data));
    assert.ok(!target.server!.log.join('').includes(there.token), 'no token in the log');
  });

  test('has what was asked to be otherwise', async () => {
    const image = await client.createActive(data, { name: 'rescue', tags: ['a'], os_distro: 'debian' });
    const properties = { name: 'elsewhere', tags: ['x', 'x'], visibility: 'community', os_distro: 'arch' };
    const begun = await begin(order(image.id, { image_properties: properties, store: 'two' }));
    const clone = await shownThere(await ended(begun));
    assert.deepEqual(
      [clone.name, clone.tags, clone.visibility, clone.os_distro, clone.stores],
      ['elsewhere', ['x'], 'community', 'arch', 'two'],
    );
    const failed = await ended(await begin(order(image.id, { store: 'nowhere' })));
    assert.deepEqual([failed.error.code, failed.error.step], ['region_refused', 'clone']);
    assert.match(failed.message, /refused the data: 400 .*nowhere/);
  });

  test('is told of when it begins and when it ends', async () => {
    const done = await ended(await begin(order((await client.createActive(data)).id)));
    const stream = await listen(target, 'member', '?follow=false&after=0&type=image_clone');
    await stream.ended;
    const told = stream.blocks.filter((block) => block.data.payload.id === done.id);
    assert.deepEqual(
      told.map(({ event, data: { payload } }) => [event, payload.region, payload.result?.target]),
      [
        ['image_clone.create', 'two', undefined],
        ['image_clone.success', 'two', done.target],
      ],
    );
    assert.ok(!JSON.stringify(told).includes(there.token));
  });

  test('may be of an image without bytes', async () => {
    const image = await client.createActive(Buffer.alloc(0));
    const done = await ended(await begin(order(image.id)));
    assert.equal(done.status, 'success', done.message);
    assert.deepEqual([done.target.size, (await shownThere(done)).status], [0, 'active']);
  });

  test('stays when its record is forgotten', async () => {
    const image = await client.createActive(data);
    for (const collection of ['image-clones', 'image-actions']) {
      const done = await ended(await begin(order(image.id)));
      refused(await client.call('POST', `${done.self}/cancel`), 'flow_state');
      refused(await client.call('POST', `/v2/image-actions/${done.id}/retry`), 'flow_state');
      assert.equal((await client.delete(`/v2/${collection}/${done.id}`)).status, 204);
      refused(await client.get(done.self), 'action_not_found');
      assert.equal((await shownThere(done)).status, 'active');
    }
  });

  test('is retried with a better token', async () => {
    const image = await client.createActive(data);
    for (const retry of ['image-clones', 'image-actions']) {
      const answer = await client.post('/v2/image-clones', order(image.id), { 'X-Auth-Token': 'none' });
      const failed = await ended(answer.json);
      assert.deepEqual(failed.error.code, 'region_unauthorized');
      const again = await client.call('POST', `/v2/${retry}/${failed.id}/retry`, { headers: token() });
      assert.equal(again.status, 202);
      const done = await until('its success', async () => {
        const record = (await client.get(failed.self)).json;
        return record.status === 'success' && record;
      });
      assert.equal((await shownThere(done)).size, data.length);
    }
  });

  test('is refused at once where it makes no sense', async () => {
    const image = await client.createActive(data);
    const { id: queued } = await client.create(raw);
    refused(await ask(order(queued)), 'status_conflict', /is queued/);
    refused(await ask(order(image.id, { region: 'nowhere' })), 'no_such_region', /'nowhere'/);
    refused(await ask(order(randomUUID())), 'image_not_found');
    refused(await ask({ image_ref: 'rescue', region: 'two' }), 'image_not_found');
    refused(await ask({ image_ref: image.id }), 'bad_request', /region/);
    refused(await ask(order(image.id, { nonsense: 1 })), 'bad_request');
    const dance = { action_type: 'dance', ...order(image.id) };
    refused(await ask(dance, '/v2/image-actions'), 'bad_request', /action_type/);
    refused(await ask(order(image.id), '/v2/image-actions'), 'bad_request', /action_type/);
    const otherwise = (properties: object) => ask(order(image.id, { image_properties: properties }));
    refused(await otherwise({ id: randomUUID() }), 'bad_request', /'id'/);
    refused(await otherwise({ disk_format: 'qcow2' }), 'bad_request', /disk_format/);
    refused(await otherwise({ protected: true }), 'bad_request', /protected/);
    refused(await otherwise({ size: 1 }), 'read_only');
    refused(await otherwise({ min_disk: -1 }), 'invalid_attribute');
    await client.call('POST', `/v2/images/${image.id}/actions/deactivate`);
    refused(await ask(order(image.id)), 'image_deactivated');
  });
});

describe('the clones of a project', { skip: needsOwnServer || needs('other', 'admin', 'reader') }, () => {
  const as = (role: Role) => new Client(target, role);

  test('are of images that may be downloaded', async () => {
    const hidden = await client.createActive(data, { visibility: 'private' });
    refused(await ask(order(hidden.id), undefined, as('other')), 'image_not_found');
    refused(await ask(order(hidden.id), undefined, as('reader')), 'forbidden');
    await as('admin').call('POST', `/v2/images/${hidden.id}/actions/deactivate`);
    refused(await ask(order(hidden.id), undefined, as('admin')), 'status_conflict');
  });

  test('are of images that may be downloaded, also when they are retried', async () => {
    const image = await client.createActive(data, { visibility: 'community' });
    const other = as('other');
    const failed = await other.post('/v2/image-clones', order(image.id), { 'X-Auth-Token': 'none' });
    const { self } = failed.json;
    await until('its failure', async () => (await other.get(self)).json.status === 'failure');
    await client.patch(image.id, [{ op: 'replace', path: '/visibility', value: 'private' }]);
    const retry = () => other.call('POST', `${self}/retry`, { headers: token() });
    refused(await retry(), 'image_not_found');
    await client.patch(image.id, [{ op: 'replace', path: '/visibility', value: 'community' }]);
    assert.equal((await retry()).status, 202);
    await until('its success', async () => (await other.get(self)).json.status === 'success');
  });

  test('are listed among all actions, and by themselves', async () => {
    const { json } = await ask(order((await client.createActive(data)).id));
    await ended(json);
    const list = async (path: string) => {
      const page = (await client.get(path)).json;
      return [...(page.image_clones ?? page.image_actions)].map(({ id }: Json) => id);
    };
    assert.equal((await list('/v2/image-clones?status=success'))[0], json.id);
    assert.equal((await list('/v2/image-actions?action_type=clone'))[0], json.id);
    assert.ok(!(await list('/v2/image-actions?action_type=import')).includes(json.id));
    assert.ok(Schema.Compile(published).Check((await client.get('/v2/image-clones?limit=1')).json));
    assert.equal((await client.get(`/v2/image-actions/${json.id}`)).json.self, json.self);
    refused(await client.get(`/v2/image-imports/${json.id}`), 'action_not_found');
  });

  test('are like nothing to other projects', async () => {
    const { json } = await ask(order((await client.createActive(data)).id));
    await ended(json);
    const shape = ({ status, body }: Answer, id: string) => [status, body.toString().replaceAll(id, 'ID')];
    const below = (Object.values(routes) as Route[]).filter(({ path }) => path.includes(':action_id'));
    assert.ok(below.length > 8);
    for (const { method, path, body } of below) {
      const more = body === 'data' ? { headers: { 'Content-Type': 'application/octet-stream' } } : {};
      const call = (id: string) => as('other').call(method, path.replace(':action_id', id), more);
      const absent = randomUUID();
      assert.deepEqual(shape(await call(json.id), json.id), shape(await call(absent), absent), path);
    }
    assert.equal((await as('admin').get(json.self)).json.owner, json.owner);
  });
});
