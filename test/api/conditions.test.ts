/** ETags of records: If-None-Match on reading, If-Match on change and deletion (beyond the reference). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { differs, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, raw } from './client.ts';

const skip = differs('Records have no ETag, and no request is conditional.');
let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

async function etagOf(id: string): Promise<string> {
  const { etag } = (await client.show(id)).headers;
  assert.match(etag ?? 'none', /^"[^"]+"$/);
  return etag!;
}

test('making, reading and changing tell the same ETag for the same record', { skip }, async () => {
  const made = await client.post('/v2/images', { ...raw, name: 'x', a: 'b' });
  assert.equal(made.headers.etag, await etagOf(made.json.id));
  const changed = await client.patch(made.json.id, [{ op: 'replace', path: '/name', value: 'y' }]);
  assert.equal(changed.headers.etag, await etagOf(made.json.id));
  assert.notEqual(changed.headers.etag, made.headers.etag);
});

test('everything that changes the record changes the ETag', { skip }, async () => {
  const { id } = await client.create(raw);
  const seen = [await etagOf(id)];
  for (const change of [
    () => client.patch(id, [{ op: 'add', path: '/a', value: 'b' }]),
    () => client.patch(id, [{ op: 'replace', path: '/a', value: 'c' }]),
    () => client.put(`/v2/images/${id}/tags/t`),
    () => client.delete(`/v2/images/${id}/tags/t`),
    () => client.upload(id, bytes(10)),
  ]) {
    assert.ok((await change()).status < 300);
    seen.push(await etagOf(id));
  }
  assert.equal(new Set(seen).size, seen.length);
});

test('If-None-Match on a record spares the record', { skip }, async () => {
  const { id } = await client.create();
  const etag = await etagOf(id);
  for (const text of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const answer = await client.get(`/v2/images/${id}`, { 'If-None-Match': text });
    assert.equal(answer.status, 304, text);
    assert.equal(answer.headers.etag, etag);
  }
  assert.equal((await client.get(`/v2/images/${id}`, { 'If-None-Match': '"x"' })).status, 200);
  await client.put(`/v2/images/${id}/tags/t`);
  assert.equal((await client.get(`/v2/images/${id}`, { 'If-None-Match': etag })).status, 200);
});

test('a change of what has changed is 412 and does nothing', { skip }, async () => {
  const { id } = await client.create({ name: 'a' });
  const old = await etagOf(id);
  const rename = (value: string, etag: string) =>
    client.patch(id, [{ op: 'replace', path: '/name', value }], 'v2.1', { 'If-Match': etag });
  assert.equal((await rename('b', old)).status, 200);
  refused(await rename('c', old), 'precondition_failed', new RegExp(id));
  refused(await rename('c', `W/${await etagOf(id)}`), 'precondition_failed');
  assert.equal((await client.show(id)).json.name, 'b');
  assert.equal((await rename('d', `"x", ${await etagOf(id)}`)).status, 200);
  assert.equal((await rename('e', '*')).status, 200);
});

test('of changes that rest on the same record, one counts', { skip }, async () => {
  const { id } = await client.create();
  const etag = await etagOf(id);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      client.patch(id, [{ op: 'add', path: `/k${i}`, value: 'v' }], 'v2.1', { 'If-Match': etag }),
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(412)]);
});

test('a deletion of what has changed is 412 and does nothing', { skip }, async () => {
  const { id } = await client.createActive(bytes(10));
  const old = await etagOf(id);
  await client.put(`/v2/images/${id}/tags/t`);
  refused(await client.delete(`/v2/images/${id}`, { 'If-Match': old }), 'precondition_failed');
  assert.deepEqual((await client.download(id)).body, bytes(10));
  assert.equal((await client.delete(`/v2/images/${id}`, { 'If-Match': await etagOf(id) })).status, 204);
});
