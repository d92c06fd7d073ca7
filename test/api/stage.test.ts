/** PUT /v2/images/{id}/stage: data that waits, and everything that is refused (API section 4). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { filesIn } from '../support/process.ts';
import { differs, needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes, digest, pieces } from './bytes.ts';
import { Client, raw } from './client.ts';
import { importBy, stage, stagedImage } from './import-client.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget({ images: { sizeCap: 1 << 20 } });
  client = new Client(target);
});
after(() => target.close());

async function stagedFiles(): Promise<string[]> {
  return await filesIn(`${target.server!.config.dataDir}/staging`);
}

test('staged data gives the image a size and no hash, needs no formats, and is in no store', async () => {
  const { id } = await client.create({ name: 'x' });
  assert.equal((await stage(client, id, bytes(5000))).status, 204);
  const image = (await client.show(id)).json;
  assert.deepEqual(
    [image.status, image.size, image.virtual_size, image.checksum, image.os_hash_value],
    ['uploading', 5000, null, null, null],
  );
  assert.equal((await client.download(id)).status, 204);
  assert.deepEqual(await client.tasks(id), []);
});

test('data of unknown length is staged, and none at all', async () => {
  for (const size of [3000, 0]) {
    const { id } = await client.create(raw);
    assert.equal((await stage(client, id, pieces(bytes(size), 1000))).status, 204);
    assert.equal((await client.show(id)).json.size, size);
  }
});

test('an image is staged once, and uploaded to no more', async () => {
  const id = await stagedImage(client, bytes(100));
  refused(await stage(client, id, bytes(100)), 'status_conflict', /uploading/);
  refused(await client.upload(id, bytes(100)), 'status_conflict');
  const active = await client.createActive(bytes(10));
  refused(await stage(client, active.id, bytes(100)), 'status_conflict', /active/);
});

test('another media type, an unknown image and a wrong size are refused', async () => {
  const { id } = await client.create(raw);
  const body = bytes(100);
  refused(await stage(client, id, body, { 'Content-Type': 'text/plain' }), 'unsupported_media_type');
  refused(await stage(client, randomUUID(), body), 'image_not_found');
  if (differs('X-OpenStack-Image-Size came with a later release.') === false) {
    refused(await stage(client, id, body, { 'X-OpenStack-Image-Size': 'many' }), 'bad_request');
    refused(await stage(client, id, body, { 'X-OpenStack-Image-Size': '101' }), 'size_mismatch');
  }
  assert.equal(await client.status(id), 'queued');
});

test('a failure leaves the image queued, says why, and nothing is staged', {
  skip: needsOwnServer,
}, async () => {
  const { id } = await client.create(raw);
  const wrong = { 'X-Tintype-Expected-Digest': `sha256=${digest('sha256', bytes(1))}` };
  refused(await stage(client, id, bytes(1000), wrong), 'digest_mismatch');
  refused(await stage(client, id, pieces(bytes((1 << 20) + 1), 65536)), 'size_cap');
  const image = (await client.show(id)).json;
  assert.deepEqual([image.status, image.size], ['queued', null]);
  const tasks = await client.tasks(id);
  assert.deepEqual(
    tasks.map(({ type, status, result }) => [type, status, result.error.code]),
    [
      ['upload', 'failure', 'size_cap'],
      ['upload', 'failure', 'digest_mismatch'],
    ],
  );
  assert.deepEqual(
    (await stagedFiles()).filter((name) => name.startsWith(id)),
    [],
  );
  assert.equal((await stage(client, id, bytes(1000))).status, 204, 'it can be tried again');
});

test('deleting the image removes its staged data', { skip: needsOwnServer }, async () => {
  const id = await stagedImage(client, bytes(1000));
  assert.equal((await stagedFiles()).filter((name) => name.startsWith(id)).length, 1);
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  assert.deepEqual(
    (await stagedFiles()).filter((name) => name.startsWith(id)),
    [],
  );
});

test('who may not change an image may not stage it', {
  skip: needs('member', 'reader', 'other'),
}, async () => {
  const member = new Client(target, 'member');
  const { id } = await member.create({ ...raw, visibility: 'community' });
  refused(await stage(new Client(target, 'reader'), id, bytes(10)), 'forbidden');
  refused(await stage(new Client(target, 'other'), id, bytes(10)), 'forbidden');
  const hidden = await member.create({ ...raw, visibility: 'private' });
  refused(await stage(new Client(target, 'other'), hidden.id, bytes(10)), 'image_not_found');
});

test('the staging area is no store that anybody can name', {
  skip: differs('The staging area goes by another name, and is found out later.'),
}, async () => {
  const id = await stagedImage(client, bytes(100));
  refused(await importBy(client, id, 'glance-direct', { stores: ['os_glance_staging'] }), 'no_such_store');
  refused(await client.download(id, {}, '?prefer=os_glance_staging'), 'unknown_store');
});
