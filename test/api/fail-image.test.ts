/** POST /v2/images/{id}/actions/fail: an image that no data will come for. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { differs, needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, raw } from './client.ts';
import { stage, stagedImage } from './import-client.ts';
import { SlowUpload } from './slow-upload.ts';

const skip = differs('It has no such action.');

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

const fail = (who: Client, id: string, message: unknown = 'The snapshot failed: no space.') =>
  who.post(`/v2/images/${id}/actions/fail`, { message });

test('an image that is given up is shown with the reason, and not listed', { skip }, async () => {
  for (const id of [(await client.create(raw)).id, await stagedImage(client, bytes(1000))]) {
    assert.equal((await fail(client, id)).status, 204);
    const image = (await client.show(id)).json;
    assert.deepEqual([image.status, image.size], ['killed', null]);
    const task = (await client.tasks(id)).find(({ type }) => type === 'fail');
    assert.deepEqual([task?.status, task?.message], ['failure', 'The snapshot failed: no space.']);
    const listed = (await client.get('/v2/images?limit=1000')).json.images;
    assert.ok(!listed.some((one: { id: string }) => one.id === id));
    refused(await fail(client, id), 'status_conflict', /killed/);
    refused(await stage(client, id, bytes(10)), 'status_conflict');
    assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  }
});

test('an upload under way ends with 410, and nothing of it stays', { skip }, async () => {
  const { id } = await client.create(raw);
  const upload = new SlowUpload(target, 'caller', id);
  await upload.write(bytes(100_000));
  await until('the upload', async () => (await client.status(id)) === 'saving');
  assert.equal((await fail(client, id)).status, 204);
  refused(await upload.answer, 'image_failed', /given up/);
  assert.equal(await client.status(id), 'killed');
  const stored = (await target.server?.storedFiles()) ?? [];
  assert.deepEqual(
    stored.filter((name) => name.startsWith(id)),
    [],
  );
});

test('an image that has its data, or is unknown, cannot be given up', { skip }, async () => {
  const active = await client.createActive(bytes(10));
  refused(await fail(client, active.id), 'status_conflict', /active/);
  refused(await fail(client, randomUUID()), 'image_not_found');
});

test('a reason must be given', { skip }, async () => {
  const { id } = await client.create(raw);
  for (const message of [undefined, '', 1, null, 'x'.repeat(1001)])
    refused(await client.post(`/v2/images/${id}/actions/fail`, { message }), 'bad_request');
  assert.equal(await client.status(id), 'queued');
});

test('it is for the owner, and for services', {
  skip: skip || needs('member', 'reader', 'other'),
}, async () => {
  const member = new Client(target, 'member');
  const open = await member.create({ ...raw, visibility: 'community' });
  refused(await fail(new Client(target, 'reader'), open.id), 'forbidden');
  refused(await fail(new Client(target, 'other'), open.id), 'forbidden');
  const hidden = await member.create({ ...raw, visibility: 'private' });
  refused(await fail(new Client(target, 'other'), hidden.id), 'image_not_found');
  assert.equal((await fail(member, open.id)).status, 204);
});

test('a service tells of it for a user, and of what it can see', {
  skip: skip || needsOwnServer,
}, async () => {
  const member = new Client(target, 'member');
  const reader = new Client(target, 'reader');
  const [first, second] = [
    await member.create(raw),
    await member.create({ ...raw, visibility: 'community' }),
  ];
  const tell = (id: string, more: Record<string, string>) =>
    reader.post(`/v2/images/${id}/actions/fail`, { message: 'No host took it.' }, more);
  refused(await tell(first.id, {}), 'forbidden');
  assert.equal((await tell(first.id, { 'X-Service-Roles': 'service' })).status, 204);
  assert.equal((await tell(second.id, as('services', 'service', 'reader'))).status, 204);
});
