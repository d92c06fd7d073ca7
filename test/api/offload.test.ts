/** Files handed over to the web server in front: only to one that is trusted and asks, and only what the caller may have. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { until } from '../support/process.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

const skip = needsOwnServer;
const data = bytes(200_000);
/** As the web server in front adds them. */
const asked = { 'X-Forwarded-For': '192.0.2.7', 'X-Sendfile-Type': 'X-Accel-Redirect' };
let target: Target;
let member: Client;

before(async () => {
  const offload = { header: 'X-Accel-Redirect' } as const;
  target = await openTarget({ trustedProxies: ['127.0.0.1'], offload, cache: { enabled: true } });
  member = new Client(target, 'member');
});
after(() => target.close());

async function fileIn(answer: { headers: Json; body: Buffer; status: number }): Promise<string> {
  assert.equal(answer.status, 200, answer.body.toString());
  assert.equal(answer.body.length, 0);
  const uri: string = answer.headers['x-accel-redirect'];
  assert.match(uri, /^\/_tintype\//);
  return decodeURIComponent(uri.slice('/_tintype'.length));
}

test('the file of the store is named, then that of the cache', { skip }, async () => {
  const image = await member.createActive(data);
  const answer = await member.download(image.id, asked);
  const stored = await fileIn(answer);
  assert.match(stored, /\/images\/local\//);
  assert.deepEqual(await readFile(stored), data);
  const plain = await member.download(image.id);
  assert.deepEqual(plain.body, data);
  assert.equal('x-accel-redirect' in plain.headers, false);
  for (const header of ['etag', 'content-md5', 'content-type'])
    assert.equal(answer.headers[header], plain.headers[header], header);
  const copy = await until('the cache has it', async () => {
    const file = await fileIn(await member.download(image.id, asked));
    return file !== stored && file;
  });
  assert.match(copy, /\/cache\/entries\//);
  assert.deepEqual(await readFile(copy), data);
});

test('ranges are for the web server, once they are found to be right', { skip }, async () => {
  const image = await member.createActive(data);
  await fileIn(await member.download(image.id, { ...asked, Range: 'bytes=5-9' }));
  refused(await member.download(image.id, { ...asked, Range: 'bytes=900000-' }), 'range_not_satisfiable');
  refused(await member.download(image.id, { ...asked, Range: 'bytes=0-1,4-5' }), 'several_ranges');
  const etag = String((await member.download(image.id)).headers.etag);
  assert.equal((await member.download(image.id, { ...asked, 'If-None-Match': etag })).status, 304);
});

test('what the web server would judge otherwise is sent by the server itself', { skip }, async () => {
  const image = await member.createActive(data);
  const etag = String((await member.download(image.id)).headers.etag);
  for (const headers of [{ 'If-Match': etag }, { 'Content-Range': 'bytes 0-9/*' }]) {
    const answer = await member.download(image.id, { ...asked, ...headers });
    assert.ok(answer.body.length > 0);
    assert.equal('x-accel-redirect' in answer.headers, false);
  }
});

test('nobody is told a path who does not come through the web server, or may not have the data', {
  skip,
}, async () => {
  const image = await member.createActive(data, { visibility: 'private' });
  for (const headers of [
    { 'X-Sendfile-Type': 'X-Accel-Redirect' },
    { 'X-Forwarded-For': '192.0.2.7' },
    { ...asked, 'X-Sendfile-Type': 'X-Sendfile' },
  ]) {
    const answer = await member.download(image.id, headers);
    assert.deepEqual(answer.body, data);
    assert.equal('x-accel-redirect' in answer.headers, false);
  }
  refused(await new Client(target, 'other').download(image.id, asked), 'image_not_found');
  refused(await new Client(target, 'reader').download(image.id, asked), 'forbidden');
  await member.call('POST', `/v2/images/${image.id}/actions/deactivate`);
  refused(await member.download(image.id, asked), 'image_deactivated');
  const { id } = await member.create(raw);
  assert.equal((await member.download(id, asked)).status, 204);
  const empty = await member.createActive(Buffer.alloc(0));
  const answer = await member.download(empty.id, asked);
  assert.deepEqual([answer.status, answer.headers['content-length']], [200, '0']);
  assert.equal('x-accel-redirect' in answer.headers, false);
});

test('a server that is not told to hands nothing over', { skip }, async () => {
  const plain = await openTarget({ trustedProxies: ['127.0.0.1'] });
  const client = new Client(plain, 'member');
  const image = await client.createActive(data);
  const answer = await client.download(image.id, asked);
  assert.deepEqual(answer.body, data);
  await plain.close();
});

test('X-Sendfile has the path as it is', { skip }, async () => {
  const offload = { header: 'X-Sendfile' } as const;
  const apache = await openTarget({ trustedProxies: ['127.0.0.1'], offload });
  const client = new Client(apache, 'member');
  const image = await client.createActive(data);
  const { headers } = await client.download(image.id, { ...asked, 'X-Sendfile-Type': 'X-Sendfile' });
  assert.deepEqual(await readFile(decodeURIComponent(String(headers['x-sendfile']))), data);
  await apache.close();
});
