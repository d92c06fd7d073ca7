/** DELETE of images, and their tags one by one (API section 3). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { differs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, raw } from './client.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

test('a deletion is 204, and the image is gone for every call', async () => {
  const { id } = await client.createActive(bytes(100));
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  for (const answer of [
    await client.show(id),
    await client.download(id),
    await client.upload(id, bytes(10)),
    await client.patch(id, []),
    await client.delete(`/v2/images/${id}`),
    await client.put(`/v2/images/${id}/tags/x`),
    await client.delete(`/v2/images/${id}/tags/x`),
    await client.get(`/v2/images/${id}/tasks`),
  ])
    refused(answer, 'image_not_found', new RegExp(`^No image found with ID ${id}$`));
});

test('a queued image is deleted like any other', async () => {
  const { id } = await client.create();
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  assert.equal((await client.show(id)).status, 404);
});

test('a protected image stays, until it is protected no more', async () => {
  const { id } = await client.createActive(bytes(100), { protected: true });
  const message = new RegExp(`^Image ${id} is protected and cannot be deleted\\.$`);
  refused(await client.delete(`/v2/images/${id}`), 'image_protected', message);
  assert.deepEqual((await client.download(id)).body, bytes(100));
  await client.patch(id, [{ op: 'replace', path: '/protected', value: false }]);
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
});

test('an unknown image is 404', async () => {
  for (const id of [randomUUID(), 'x', 'jammy', '..', '%2e%2e%2f', 'a'.repeat(300), '%00'])
    refused(await client.delete(`/v2/images/${id}`), 'image_not_found');
});

test('an id is the same in capitals', { skip: differs('An id in capitals is another id.') }, async () => {
  const { id } = await client.create();
  assert.equal((await client.show(id.toUpperCase())).json.id, id);
  assert.equal((await client.delete(`/v2/images/${id.toUpperCase()}`)).status, 204);
});

test('of many that delete at the same time, one succeeds', async () => {
  const { id } = await client.createActive(bytes(100));
  const answers = await Promise.all(Array.from({ length: 6 }, () => client.delete(`/v2/images/${id}`)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 404, 404, 404, 404, 404]);
});

test('no bytes stay', { skip: needsOwnServer }, async () => {
  const before = await target.server!.storedFiles();
  const { id } = await client.createActive(bytes(100));
  assert.equal((await target.server!.storedFiles()).length, before.length + 1);
  await client.delete(`/v2/images/${id}`);
  assert.deepEqual(await target.server!.storedFiles(), before);
});

test('a reader who has begun reads to the end', async () => {
  const data = bytes(5 << 20);
  const { id } = await client.createActive(data);
  const [download] = await Promise.all([
    client.download(id),
    (async () => {
      await client.get('/v2/images?limit=1');
      await client.delete(`/v2/images/${id}`);
    })(),
  ]);
  // Either it had begun before the deletion or it came after it; never half.
  if (download.status === 200) assert.ok(download.body.equals(data));
  else assert.equal(download.status, 404);
});

test('a tag is put once, however often it is put', async () => {
  const { id } = await client.create({ tags: ['first'] });
  for (let i = 0; i < 3; i += 1) assert.equal((await client.put(`/v2/images/${id}/tags/second`)).status, 204);
  assert.deepEqual((await client.show(id)).json.tags.sort(), ['first', 'second']);
  assert.deepEqual(await client.ids(`tag=first&tag=second&id=${id}`), [id]);
});

test('a tag goes once, then it is 404', async () => {
  const { id } = await client.create({ tags: ['a', 'b'] });
  assert.equal((await client.delete(`/v2/images/${id}/tags/a`)).status, 204);
  assert.deepEqual((await client.show(id)).json.tags, ['b']);
  assert.deepEqual(await client.ids(`tag=a&id=${id}`), []);
  refused(await client.delete(`/v2/images/${id}/tags/a`), 'tag_not_found');
  refused(await client.delete(`/v2/images/${id}/tags/A`), 'tag_not_found');
});

test('tags of every kind of character come back as they went', async () => {
  const { id } = await client.create();
  const tags = [
    'a b',
    ...(differs('A tag outside ASCII is garbled in a path.') === false ? ['ünïcödé ☃ 😀'] : []),
    ...(differs('A tag with a slash has no path.') === false ? ['a/b'] : []),
    '?&=#%+',
    '..',
    '.',
    '"quoted"',
    '%41',
    "x'; DROP TABLE images; --",
    ...(differs('A line feed at the end of a tag in a path is dropped.') === false ? ['\u0001\n'] : []),
  ];
  for (const tag of tags) {
    const path = `/v2/images/${id}/tags/${encodeURIComponent(tag).replaceAll('.', '%2E')}`;
    assert.equal((await client.put(path)).status, 204, tag);
    assert.deepEqual(await client.ids(`tag=${encodeURIComponent(tag)}&id=${id}`), [id], tag);
  }
  assert.deepEqual((await client.show(id)).json.tags.sort(), tags.toSorted());
  for (const tag of tags)
    assert.equal(
      (await client.delete(`/v2/images/${id}/tags/${encodeURIComponent(tag).replaceAll('.', '%2E')}`)).status,
      204,
    );
  assert.deepEqual((await client.show(id)).json.tags, []);
});

const lettersOfPaths = differs('Of a tag in a path bytes are counted.') === false ? ['a', '☃', '😀'] : ['a'];

test('a tag has at most 255 characters', async () => {
  const { id } = await client.create();
  for (const letter of lettersOfPaths) {
    const path = `/v2/images/${id}/tags/${encodeURIComponent(letter.repeat(255))}`;
    assert.equal((await client.put(path)).status, 204);
    refused(await client.put(path + encodeURIComponent(letter)), 'invalid_attribute');
  }
  if (differs('A request line over 8 KiB is 414.') === false)
    refused(await client.put(`/v2/images/${id}/tags/${'a'.repeat(20_000)}`), 'invalid_attribute');
  if (differs('A tag may contain NUL.') === false)
    refused(await client.put(`/v2/images/${id}/tags/a%00b`), 'invalid_attribute');
});

test('the 129th tag is 413', async () => {
  const { id } = await client.create({ tags: Array.from({ length: 127 }, (_, i) => `${i}`) });
  assert.equal((await client.put(`/v2/images/${id}/tags/last`)).status, 204);
  assert.equal((await client.put(`/v2/images/${id}/tags/last`)).status, 204, 'it is there already');
  refused(await client.put(`/v2/images/${id}/tags/more`), 'quota_tags');
});

test('tags put at the same time all stay', {
  skip: differs('Of tags put at the same time some are lost.'),
}, async () => {
  const { id } = await client.create();
  const tags = Array.from({ length: 20 }, (_, i) => `t${i}`);
  await Promise.all(tags.map((tag) => client.put(`/v2/images/${id}/tags/${tag}`)));
  assert.deepEqual((await client.show(id)).json.tags.sort(), tags.toSorted());
});

test('tags of an unknown image are 404', async () => {
  for (const id of [randomUUID(), 'x']) {
    refused(await client.put(`/v2/images/${id}/tags/x`), 'image_not_found');
    refused(await client.delete(`/v2/images/${id}/tags/x`), 'image_not_found');
  }
});

test('a tag is put on an image in any status', async () => {
  const { id } = await client.create(raw);
  assert.equal((await client.put(`/v2/images/${id}/tags/queued`)).status, 204);
  await client.upload(id, bytes(10));
  assert.equal((await client.put(`/v2/images/${id}/tags/active`)).status, 204);
  assert.equal((await client.show(id)).json.status, 'active');
});
