/** POST /v2/tasks of type import: an image that comes to be with its data, or not at all (API section 8). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../support/process.ts';
import { needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { loopbackRules, serve, startWebSource, type WebSource } from '../support/web-source.ts';
import { type Json, refused } from './answer.ts';
import { bytes, digest, qcow2 } from './bytes.ts';
import { Client } from './client.ts';

const data = bytes(300_000);
const skip = needsOwnServer;

let source: WebSource;
let target: Target;
let admin: Client;

before(async () => {
  source = await startWebSource((request, response) => {
    if (request.url === '/data') serve(request, response, { bytes: data });
    else if (request.url === '/qcow2') serve(request, response, { bytes: qcow2(1 << 20) });
    else response.writeHead(403).end();
  });
  target = await openTarget({ import: loopbackRules });
  admin = new Client(target, 'admin');
});
after(async () => {
  await target?.close();
  await source?.close();
});

const order = (path: string, more: object = {}, properties: object = { name: 'imported' }) => ({
  type: 'import',
  input: { import_from: `${source.url}${path}`, image_properties: properties, ...more },
});

async function ended(id: string): Promise<Json> {
  return await until(`the end of task ${id}`, async () => {
    const { json } = await admin.get(`/v2/tasks/${id}`);
    return (json.status === 'success' || json.status === 'failure') && json;
  });
}

test('makes an image of the data at a URL', { skip }, async () => {
  const properties = { name: 'imported', os_distro: 'alpine', tags: ['x'], visibility: 'private' };
  const answer = await admin.post('/v2/tasks', order('/data', { import_from_format: 'raw' }, properties));
  assert.equal(answer.status, 201, answer.body.toString());
  const { id, type, status, input, self } = answer.json;
  assert.deepEqual([type, status, self], ['import', 'pending', `/v2/tasks/${id}`]);
  assert.ok(answer.headers.location?.endsWith(`/v2/tasks/${id}`));
  assert.deepEqual(input, order('/data', { import_from_format: 'raw' }, properties).input);
  const task = await ended(id);
  assert.equal(task.status, 'success', task.message);
  const image = (await admin.show(task.result.image_id)).json;
  assert.deepEqual(
    [image.status, image.name, image.os_distro, image.tags, image.visibility, image.disk_format],
    ['active', 'imported', 'alpine', ['x'], 'private', 'raw'],
  );
  assert.equal(image.os_hash_value, digest('sha512', data));
  assert.ok(Object.keys(image).every((name) => name !== 'os_glance_import_task'));
  const listed = await admin.get('/v2/tasks?type=import');
  assert.ok(listed.json.tasks.some((one: Json) => one.id === id));
});

test('what the image is said to be counts before what the source is', { skip }, async () => {
  const properties = { disk_format: 'qcow2' };
  const { json } = await admin.post('/v2/tasks', order('/qcow2', { import_from_format: 'raw' }, properties));
  const task = await ended(json.id);
  assert.equal(task.status, 'success', task.message);
});

test('of one that fails the reason stays, and no image', { skip }, async () => {
  const secret = order('/none?signature=s3cr3t', { import_from_format: 'raw' });
  secret.input.import_from = secret.input.import_from.replace('//', '//me:s3cr3t@');
  const { json } = await admin.post('/v2/tasks', secret);
  const task = await ended(json.id);
  assert.equal(
    task.message,
    `Could not retrieve image. Received 403 response for url '${source.url}/none?…'.`,
  );
  assert.deepEqual([task.status, task.result.error.code], ['failure', 'source_refused']);
  assert.equal((await admin.show(task.image_id)).status, 404);
  for (const text of [JSON.stringify(task), ...target.server!.log]) assert.doesNotMatch(text, /s3cr3t/);
});

test('what makes no sense is refused at once, and leaves no image', { skip }, async () => {
  const before = (await admin.get('/v2/images?limit=1000')).json.images.length;
  const ask = (body: unknown) => admin.post('/v2/tasks', body);
  const good = order('/data', { import_from_format: 'raw' });
  const from = (import_from: unknown) => ask({ ...good, input: { ...good.input, import_from } });
  refused(await from('file:///etc/passwd'), 'source_not_allowed');
  refused(await from('http://169.254.169.254/'), 'address_blocked');
  refused(await from('nothing'), 'source_url_invalid');
  refused(await ask(order('/data')), 'import_formats_unset', /disk_format/);
  const described = (properties: object) => ask(order('/data', {}, { disk_format: 'raw', ...properties }));
  refused(await described({ size: 1 }), 'read_only');
  refused(await described({ os_glance_import_task: 'x' }), 'reserved_attribute');
  refused(await described({ min_disk: -1 }), 'invalid_attribute');
  refused(await described({ disk_format: 'floppy' }), 'invalid_attribute');
  const wrong = [
    {},
    [],
    { ...good, type: 'export' },
    { ...good, type: 'api_image_import' },
    { type: 'import' },
    { type: 'import', input: null },
    { type: 'import', input: { import_from: `${source.url}/data` } },
    { type: 'import', input: { image_properties: {} } },
    { type: 'import', input: { ...good.input, image_properties: [] } },
  ];
  for (const body of wrong) assert.equal((await ask(body)).status, 400, JSON.stringify(body));
  assert.equal((await admin.get('/v2/images?limit=1000')).json.images.length, before);
});

test('the operator who allows no fetching allows none here', { skip }, async () => {
  const closed = await openTarget({ import: { ...loopbackRules, methods: ['glance-direct'] } });
  try {
    const answer = await new Client(closed, 'admin').post(
      '/v2/tasks',
      order('/data', { import_from_format: 'raw' }),
    );
    refused(answer, 'import_method');
  } finally {
    await closed.close();
  }
});

test('nobody but an administrator may', { skip: skip || needs('member') }, async () => {
  const answer = await new Client(target, 'member').post('/v2/tasks', order('/data'));
  refused(answer, 'forbidden');
});
