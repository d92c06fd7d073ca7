/** The cache of a node: what it serves and to whom, and how operators look after it (API section 9). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/process.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

const skip = needsOwnServer;
const data = bytes(300_000);
let target: Target;
let member: Client;
let admin: Client;

before(async () => {
  target = await openTarget({
    cache: { enabled: true, maxSize: 1_000_000, nodeUrl: 'http://node.example/' },
  });
  member = new Client(target, 'member');
  admin = new Client(target, 'admin');
});
after(() => target.close());

const folder = (...parts: string[]) => path.join(target.server!.config.dataDir, ...parts);

async function state(): Promise<Json> {
  const answer = await admin.get('/v2/cache');
  assert.equal(answer.status, 200, answer.body.toString());
  return answer.json;
}

async function entryOf(id: string): Promise<Json | undefined> {
  return (await state()).cached_images.find((entry: Json) => entry.image_id === id);
}

async function cached(fields = {}, body = data): Promise<Json> {
  const image = await member.createActive(body, fields);
  assert.deepEqual((await member.download(image.id)).body, body);
  await until(`image ${image.id} is cached`, async () => (await entryOf(image.id)) !== undefined);
  return image;
}

/** Takes the data out of every store, so that only the cache has it. */
async function loseStores(): Promise<void> {
  const stored = folder('images', 'local');
  for (const name of await readdir(stored))
    if (name !== '.unfinished') await rm(path.join(stored, name), { recursive: true });
}

describe('a download', { skip }, () => {
  test('puts the image into the cache, which serves it whole and in parts', async () => {
    const image = await cached();
    const whole = await member.download(image.id);
    await loseStores();
    const again = await member.download(image.id);
    assert.equal(again.status, 200);
    for (const header of ['content-length', 'content-md5', 'etag', 'accept-ranges', 'content-type'])
      assert.equal(again.headers[header], whole.headers[header], header);
    assert.equal(again.headers['content-length'], String(data.length));
    assert.deepEqual(again.body, data);
    const part = await member.download(image.id, { Range: 'bytes=70000-70009' });
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], `bytes 70000-70009/${data.length}`);
    assert.deepEqual(part.body, data.subarray(70_000, 70_010));
    const entry = await entryOf(image.id);
    assert.equal(entry.size, data.length);
    assert.equal(entry.hits, 3);
    assert.ok(entry.last_accessed >= entry.last_modified && entry.last_modified > 1_000_000_000);
  });

  test('of a part puts nothing there', async () => {
    const image = await member.createActive(data);
    assert.equal((await member.download(image.id, { Range: 'bytes=0-9' })).status, 206);
    assert.equal((await member.download(image.id)).status, 200);
    await until('the whole is cached', async () => (await entryOf(image.id)) !== undefined);
    assert.equal((await entryOf(image.id)).hits, 0);
  });

  test('is served to nobody who may not have it from the store', async () => {
    const image = await cached({ visibility: 'private' });
    refused(await new Client(target, 'other').download(image.id), 'image_not_found');
    refused(await new Client(target, 'reader').download(image.id), 'forbidden');
    await member.call('POST', `/v2/images/${image.id}/actions/deactivate`);
    refused(await member.download(image.id), 'image_deactivated');
    refused(await member.download(image.id, { Range: 'bytes=0-9' }), 'image_deactivated');
    assert.deepEqual((await admin.download(image.id)).body, data);
  });

  test('of a deleted image has nothing more to read', async () => {
    const image = await cached();
    assert.equal((await member.delete(`/v2/images/${image.id}`)).status, 204);
    refused(await member.download(image.id), 'image_not_found');
    await until('the entry is gone', async () => (await entryOf(image.id)) === undefined);
    const entries = await readdir(folder('cache', 'entries'));
    assert.equal(
      entries.some((name) => name.startsWith(image.id)),
      false,
    );
  });

  test('makes room for itself, and the figures tell', async () => {
    await admin.delete('/v2/cache');
    const images: Json[] = [];
    for (let count = 0; count < 4; count += 1) images.push(await cached());
    assert.equal(await entryOf(images[0].id), undefined);
    const { text } = await metrics();
    assert.match(text, /^tintype_cache_bytes 900000$/m);
    assert.match(text, /^tintype_cache_images 3$/m);
    assert.ok(Number(/^tintype_cache_evicted_total (\d+)$/m.exec(text)?.[1]) >= 1, text);
    assert.ok(Number(/^tintype_cache_misses_total (\d+)$/m.exec(text)?.[1]) >= 4, text);
    assert.match(text, /^tintype_cache_hits_total \d+$/m);
    assert.match(text, /^tintype_cache_spoilt_total \d+$/m);
  });
});

async function metrics(): Promise<{ text: string }> {
  const answer = await fetch(`${target.url}/metrics`);
  return { text: await answer.text() };
}

describe('an operator', { skip }, () => {
  test('has an image put there, which is in the queue until it is', async () => {
    const image = await member.createActive(data);
    const answer = await admin.put(`/v2/cache/${image.id}`);
    assert.equal(answer.status, 202);
    assert.ok((await state()).queued_images.includes(image.id));
    assert.equal((await admin.put(`/v2/cache/${image.id}`)).status, 202);
    await until('it is cached, and queued no more', async () => {
      const { queued_images, cached_images } = await state();
      return (
        !queued_images.includes(image.id) && cached_images.some((entry: Json) => entry.image_id === image.id)
      );
    });
    assert.equal((await admin.put(`/v2/cache/${image.id}`)).status, 202);
    assert.equal((await state()).queued_images.includes(image.id), false);
    await until('the node is named', async () => {
      const nodes = await admin.get(`/v2/cache/nodes/${image.id}`);
      assert.equal(nodes.status, 200);
      return nodes.json.length > 0;
    });
    assert.deepEqual((await admin.get(`/v2/cache/nodes/${image.id}`)).json, ['http://node.example']);
  });

  test('cannot have put there what is no image, or has no data', async () => {
    for (const id of [randomUUID(), 'none']) {
      refused(await admin.put(`/v2/cache/${id}`), 'image_not_found');
      refused(await admin.get(`/v2/cache/nodes/${id}`), 'image_not_found');
      refused(await admin.delete(`/v2/cache/${id}`), 'not_cached');
    }
    const { id } = await member.create(raw);
    refused(await admin.put(`/v2/cache/${id}`), 'not_cacheable');
    refused(await admin.delete(`/v2/cache/${id}`), 'not_cached');
    assert.deepEqual((await admin.get(`/v2/cache/nodes/${id}`)).json, []);
  });

  test('takes images from it, or from its queue', async () => {
    const image = await cached();
    assert.equal((await admin.delete(`/v2/cache/${image.id}`)).status, 204);
    assert.equal(await entryOf(image.id), undefined);
    refused(await admin.delete(`/v2/cache/${image.id}`), 'not_cached');
    const queued = await member.createActive(data);
    await admin.put(`/v2/cache/${queued.id}`);
    assert.equal((await admin.delete(`/v2/cache/${queued.id}`)).status, 204);
    assert.equal((await state()).queued_images.includes(queued.id), false);
  });

  test('empties it, its queue, or both', async () => {
    const header = (target: string) => ({ 'X-Image-Cache-Clear-Target': target });
    const kept = await cached();
    await admin.put(`/v2/cache/${(await member.createActive(data)).id}`);
    refused(await admin.delete('/v2/cache', header('everything')), 'bad_request');
    assert.equal((await admin.delete('/v2/cache', header('queue'))).status, 204);
    assert.deepEqual((await state()).queued_images, []);
    assert.ok((await entryOf(kept.id)) !== undefined);
    assert.equal((await admin.delete('/v2/cache', header('cache'))).status, 204);
    assert.deepEqual((await state()).cached_images, []);
    await cached();
    assert.equal((await admin.delete('/v2/cache')).status, 204);
    assert.deepEqual(await state(), { cached_images: [], queued_images: [] });
  });

  test('removes what is damaged, and what is too much', async () => {
    const image = await cached();
    await rm(folder('cache', 'entries'), { recursive: true });
    const answer = await admin.call('POST', '/v2/cache/clean');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, {});
    assert.equal(await entryOf(image.id), undefined);
    const pruned = await admin.call('POST', '/v2/cache/prune');
    assert.deepEqual(pruned.json, { total_files_pruned: 0, total_bytes_pruned: 0 });
  });

  test('finds the older forms of all that', async () => {
    await admin.delete('/v2/cache');
    const image = await member.createActive(data);
    const ok = async (method: string, at: string) => {
      const answer = await admin.call(method, at);
      assert.equal(answer.status, 200, `${method} ${at}: ${answer.body}`);
      return answer.json;
    };
    assert.deepEqual(await ok('PUT', `/v2/queued_images/${image.id}`), {});
    assert.deepEqual(await ok('GET', '/v2/queued_images'), { queued_images: [image.id] });
    assert.deepEqual(await ok('DELETE', `/v2/queued_images/${image.id}`), {});
    assert.deepEqual(await ok('PUT', `/v2/queued_images/${image.id}`), {});
    assert.deepEqual(await ok('DELETE', '/v2/queued_images'), { num_deleted: 1 });
    const there = await cached();
    const listed = await ok('GET', '/v2/cached_images');
    assert.deepEqual(listed, { cached_images: (await state()).cached_images });
    assert.equal(listed.cached_images[0].image_id, there.id);
    assert.deepEqual(await ok('DELETE', `/v2/cached_images/${there.id}`), {});
    assert.deepEqual(await ok('DELETE', `/v2/cached_images/${there.id}`), {});
    await cached();
    assert.deepEqual(await ok('DELETE', '/v2/cached_images'), { num_deleted: 1 });
    refused(await admin.call('PUT', '/v2/queued_images/none'), 'image_not_found');
  });

  test('is told which versions that makes', async () => {
    const { versions } = (await admin.get('/versions')).json;
    const ids = versions.map(({ id }: Json) => id);
    for (const id of ['v2.14', 'v2.16', 'v2.17']) assert.ok(ids.includes(id), id);
    assert.deepEqual([versions[0].id, versions[0].status], ['v2.18', 'CURRENT']);
  });
});

test('a server without a cache announces none, and says so', { skip }, async () => {
  const plain = await openTarget();
  const { versions } = (await new Client(plain, 'admin').get('/versions')).json;
  const ids = versions.map(({ id }: Json) => id);
  for (const id of ['v2.14', 'v2.16', 'v2.18']) assert.equal(ids.includes(id), false, id);
  assert.deepEqual([versions[0].id, versions[0].status], ['v2.17', 'CURRENT']);
  for (const at of ['/v2/cache', '/v2/cached_images', '/v2/queued_images']) {
    refused(await new Client(plain, 'admin').get(at), 'cache_off');
    refused(await new Client(plain, 'member').get(at), 'forbidden');
  }
  await plain.close();
});
