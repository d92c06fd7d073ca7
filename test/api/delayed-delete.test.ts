/** Deletion that can be undone for a while: who sees what is deleted, and who brings it back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

const skip = needsOwnServer;
const data = bytes(1000);
let target: Target;
let member: Client;
let admin: Client;

before(async () => {
  target = await openTarget({ images: { delayedDelete: true } });
  member = new Client(target, 'member');
  admin = new Client(target, 'admin');
});
after(() => target.close());

const restore = (client: Client, id: string) => client.call('POST', `/v2/images/${id}/actions/restore`);

async function deleted(fields = {}): Promise<Json> {
  const image = await member.createActive(data, fields);
  assert.equal((await member.delete(`/v2/images/${image.id}`)).status, 204);
  return image;
}

test('for everybody but administrators it is gone', { skip }, async () => {
  for (const visibility of ['private', 'community']) {
    const { id } = await deleted({ visibility });
    for (const role of ['member', 'reader', 'other'] as const) {
      const client = new Client(target, role);
      for (const answer of [
        await client.show(id),
        await client.download(id),
        await client.patch(id, []),
        await client.delete(`/v2/images/${id}`),
        await restore(client, id),
      ])
        refused(answer, 'image_not_found');
      for (const query of ['', 'status=pending_delete', `id=${id}`, 'visibility=all'])
        assert.equal((await client.ids(`limit=1000&${query}`)).includes(id), false, query);
    }
    refused(await member.post('/v2/images', { id }), 'image_exists');
  }
});

test('an image shared with a project is gone for it too', { skip }, async () => {
  const image = await member.createActive(data, { visibility: 'shared' });
  const other = new Client(target, 'other');
  const { owner } = await other.create();
  await member.call('POST', `/v2/images/${image.id}/members`, { json: { member: owner } });
  assert.equal((await other.show(image.id)).status, 200);
  await member.delete(`/v2/images/${image.id}`);
  refused(await other.show(image.id), 'image_not_found');
  assert.equal((await restore(admin, image.id)).status, 204);
  assert.equal((await other.show(image.id)).status, 200);
});

test('administrators find it by its status, and see that its data is not served', { skip }, async () => {
  const { id } = await deleted();
  assert.equal((await admin.show(id)).json.status, 'pending_delete');
  assert.ok((await admin.ids('limit=1000&status=pending_delete')).includes(id));
  assert.ok((await admin.ids(`limit=1000&status=in:active,pending_delete`)).includes(id));
  for (const query of ['', `id=${id}`, 'status=active'])
    assert.equal((await admin.ids(`limit=1000&${query}`)).includes(id), false, query);
  assert.equal((await admin.download(id)).status, 204);
  refused(await admin.upload(id, data), 'status_conflict');
});

test('an administrator brings it back as it was', { skip }, async () => {
  const image = await deleted({ tags: ['a'], flavour: 'sweet' });
  assert.equal((await restore(admin, image.id)).status, 204);
  const { updated_at: _new, ...after } = (await member.show(image.id)).json;
  const { updated_at: _old, ...before } = image;
  assert.deepEqual(after, before);
  assert.deepEqual((await member.download(image.id)).body, data);
  refused(await restore(admin, image.id), 'status_conflict');
  refused(await restore(member, image.id), 'forbidden');
});

test('an administrator can delete it for good at once', { skip }, async () => {
  const { id } = await deleted();
  const stored = async () => (await target.server!.storedFiles()).filter((name) => name.startsWith(id));
  assert.equal((await stored()).length, 1);
  assert.equal((await admin.delete(`/v2/images/${id}`)).status, 204);
  assert.deepEqual(await stored(), []);
  refused(await restore(admin, id), 'image_not_found');
});

test('what has no data is deleted at once', { skip }, async () => {
  const { id } = await member.create(raw);
  await member.delete(`/v2/images/${id}`);
  refused(await admin.show(id), 'image_not_found');
  const deactivated = await member.createActive(data);
  await member.call('POST', `/v2/images/${deactivated.id}/actions/deactivate`);
  await member.delete(`/v2/images/${deactivated.id}`);
  refused(await admin.show(deactivated.id), 'image_not_found');
});
