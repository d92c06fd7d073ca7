/** GET /v2/images/{id}/file: whole images, ranges, conditions, and images without data (API section 4). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { differs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes, digest } from './bytes.ts';
import { type Answer, Client, type Json, raw } from './client.ts';
import { head, open } from './raw-socket.ts';

const size = 200_000;
const data = bytes(size);
let target: Target;
let client: Client;
let image: Json;
let etag: string;

before(async () => {
  target = await openTarget();
  client = new Client(target);
  image = await client.createActive(data);
  etag = (await client.download(image.id)).headers.etag ?? '';
});
after(() => target.close());

function checkWhole(answer: Answer): void {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-range'], undefined);
  assert.ok(answer.body.equals(data));
}

function checkPart(answer: Answer, first: number, last: number): void {
  assert.equal(answer.status, 206, answer.body.toString().slice(0, 200));
  assert.equal(answer.headers['content-range'], `bytes ${first}-${last}/${size}`);
  assert.equal(answer.headers['content-length'], String(last - first + 1));
  assert.equal(answer.headers['content-md5'], image.checksum, 'of the whole image');
  assert.equal(answer.headers['content-type'], 'application/octet-stream');
  assert.ok(answer.body.equals(data.subarray(first, last + 1)));
}

const noConditions = differs('Data have neither ETag nor Accept-Ranges, and no download is conditional.');

test('the whole image comes with its length, digest and name for caches', async () => {
  const answer = await client.download(image.id);
  checkWhole(answer);
  const { headers } = answer;
  assert.equal(headers['content-type'], 'application/octet-stream');
  assert.equal(headers['content-md5'], digest('md5', data), 'in hex, not in base64');
  assert.equal(headers['content-length'], String(size));
  if (noConditions !== false) return;
  assert.equal(headers['accept-ranges'], 'bytes');
  assert.match(headers.etag ?? 'none', /^"[^"]+"$/);
});

test('the same bytes have the same ETag, others another', { skip: noConditions }, async () => {
  const same = await client.createActive(data);
  const other = await client.createActive(bytes(size, 2));
  assert.equal((await client.download(same.id)).headers.etag, etag);
  assert.notEqual((await client.download(other.id)).headers.etag, etag);
  await client.patch(same.id, [{ op: 'replace', path: '/name', value: 'renamed' }]);
  assert.equal((await client.download(same.id)).headers.etag, etag, 'a new name is not new data');
});

const parts: [string, number, number][] = [
  ['0-0', 0, 0],
  ['0-99', 0, 99],
  ['1-1', 1, 1],
  ['65535-65536', 65_535, 65_536],
  ['100-', 100, size - 1],
  ['0-', 0, size - 1],
  [`0-${size - 1}`, 0, size - 1],
  [`0-${size}`, 0, size - 1],
  [`${size - 1}-${size + 50}`, size - 1, size - 1],
  [`${size - 1}-`, size - 1, size - 1],
  ['5-99999999999999999999999', 5, size - 1],
  ['-1', size - 1, size - 1],
  ['-500', size - 500, size - 1],
  [`-${size}`, 0, size - 1],
  [`-${size + 1}`, 0, size - 1],
  ['-99999999999999999999999', 0, size - 1],
  ['000-009', 0, 9],
];

for (const [range, first, last] of parts)
  test(`Range: bytes=${range}`, async () => {
    checkPart(await client.download(image.id, { Range: `bytes=${range}` }), first, last);
  });

test('a range may be written with spaces around', async () => {
  checkPart(await client.download(image.id, { Range: ' bytes= 5 - 9 ' }), 5, 9);
  checkPart(await client.download(image.id, { Range: 'Bytes=5-9' }), 5, 9);
});

const sizeUntold = differs('A 416 does not tell the size.');

test('ranges that cannot be satisfied are 416 and tell the size', async () => {
  for (const range of [
    `bytes=${size}-`,
    `bytes=${size}-${size + 5}`,
    'bytes=99999999999999999999-',
    'bytes=9-5',
    ...(differs('The last 0 bytes are all bytes.') === false ? ['bytes=-0'] : []),
    ...(differs('Ranges with two dashes, or with nothing but one, are 206 or 500.') === false
      ? ['bytes=-', 'bytes=1-2-3', 'bytes=--5']
      : []),
    'bytes=',
    'bytes=a-b',
    'bytes=1',
    'bytes=1.5-2',
    'items=0-5',
    'bytes 0-5',
    '0-5',
    'x',
  ]) {
    const answer = await client.download(image.id, { Range: range });
    refused(answer, 'range_not_satisfiable');
    if (sizeUntold === false) assert.equal(answer.headers['content-range'], `bytes */${size}`, range);
  }
});

test('several ranges are 400', async () => {
  for (const range of ['bytes=0-1,3-4', 'bytes=0-1, 3-4', 'bytes=0-,-5', 'bytes=,', 'bytes=0-5,'])
    refused(await client.download(image.id, { Range: range }), 'several_ranges');
});

test('Content-Range in a request is a range of old', async () => {
  const part = (text: string) => client.download(image.id, { 'Content-Range': text });
  checkPart(await part('bytes 5-9/*'), 5, 9);
  checkPart(await part(`bytes 5-9/${size}`), 5, 9);
  checkPart(await part(`bytes 0-${size - 1}/*`), 0, size - 1);
  for (const text of [`bytes ${size}-${size + 5}/*`, 'bytes 9-5/*', 'bytes 5-/*', 'items 0-5/*', 'x', ''])
    refused(await part(text), 'range_not_satisfiable');
  checkPart(await client.download(image.id, { Range: 'bytes=1-2', 'Content-Range': 'bytes 5-9/*' }), 1, 2);
});

test('If-Range serves the part of the same data, and else the whole', { skip: noConditions }, async () => {
  const range = (text: string) => client.download(image.id, { Range: 'bytes=5-9', 'If-Range': text });
  checkPart(await range(etag), 5, 9);
  for (const text of ['"other"', `W/${etag}`, etag.slice(1, -1), 'Wed, 21 Oct 2026 07:28:00 GMT', '*'])
    checkWhole(await range(text));
  checkWhole(await client.download(image.id, { 'If-Range': etag }));
  checkWhole(await client.download(image.id, { Range: 'bytes=9-5', 'If-Range': '"other"' }));
});

test('If-None-Match spares what the client has', { skip: noConditions }, async () => {
  for (const text of [etag, `W/${etag}`, `"other", ${etag}`, `"a",W/"b",${etag}`, '*']) {
    const answer = await client.download(image.id, { 'If-None-Match': text });
    assert.equal(answer.status, 304, text);
    assert.equal(answer.headers.etag, etag);
  }
  for (const text of ['"other"', '"a", W/"b"', '', etag.slice(1, -1)])
    checkWhole(await client.download(image.id, { 'If-None-Match': text }));
  const both = { 'If-None-Match': etag, Range: 'bytes=5-9' };
  assert.equal((await client.download(image.id, both)).status, 304);
});

test('If-Match insists on what the client knows', { skip: noConditions }, async () => {
  for (const text of [etag, `"other", ${etag}`, '*'])
    checkWhole(await client.download(image.id, { 'If-Match': text }));
  for (const text of ['"other"', `W/${etag}`])
    refused(await client.download(image.id, { 'If-Match': text }), 'precondition_failed');
  checkPart(await client.download(image.id, { 'If-Match': etag, Range: 'bytes=5-9' }), 5, 9);
});

test('an image without data is 204, whatever is asked of it', async () => {
  const { id } = await client.create(raw);
  const ranges =
    differs('A range of no data is 500 or 416.') === false ? [{ Range: 'bytes=0-5' }, { Range: 'x' }] : [];
  for (const headers of [{}, ...ranges, { 'If-None-Match': '*' }]) {
    const answer = await client.download(id, headers);
    assert.equal(answer.status, 204);
    assert.equal(answer.body.length, 0);
  }
});

test('an image of no bytes is 200 and has no range', async () => {
  const { id } = await client.createActive(Buffer.alloc(0));
  const whole = await client.download(id);
  assert.equal(whole.status, 200);
  assert.equal(whole.headers['content-length'], '0');
  assert.equal(whole.headers['content-md5'], 'd41d8cd98f00b204e9800998ecf8427e');
  const last = differs('The last bytes of none are 206, from 0 to -1.') === false ? ['bytes=-5'] : [];
  for (const range of ['bytes=0-', 'bytes=0-0', ...last])
    refused(await client.download(id, { Range: range }), 'range_not_satisfiable');
});

test('prefer names stores, and only known ones', { skip: needsOwnServer }, async () => {
  for (const query of ['?prefer=local', '?prefer=', '?prefer=local,local', '?prefer=local&prefer=local'])
    checkWhole(await client.download(image.id, {}, query));
  for (const query of ['?prefer=none', '?prefer=local,none', '?prefer=none&prefer=local'])
    refused(await client.download(image.id, {}, query), 'unknown_store', /none/);
});

test('a store that nobody is sent to gives the data itself', { skip: needsOwnServer }, async () => {
  for (const query of ['?redirect=true', '?redirect=false', '?prefer=local&redirect=true'])
    checkWhole(await client.download(image.id, {}, query));
  checkPart(await client.download(image.id, { Range: 'bytes=5-9' }, '?redirect=true'), 5, 9);
  for (const query of ['?redirect=', '?redirect=1', '?redirect=TRUE'])
    refused(await client.download(image.id, {}, query), 'invalid_query', /redirect/);
});

test('an unknown image is 404', async () => {
  for (const id of [randomUUID(), 'x', '..', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '%00'])
    refused(await client.download(id), 'image_not_found');
});

test('many read one image at the same time', async () => {
  const answers = await Promise.all(Array.from({ length: 16 }, () => client.download(image.id)));
  for (const answer of answers) checkWhole(answer);
});

test('who leaves in the middle leaves nothing open', { skip: needsOwnServer }, async () => {
  const { id } = await client.createActive(Buffer.alloc(32 << 20, 'x'));
  for (let i = 0; i < 10; i += 1) {
    const socket = await open(target);
    socket.write(head(target, 'caller', `GET /v2/images/${id}/file`));
    await once(socket, 'data');
    socket.destroy();
  }
  checkWhole(await client.download(image.id));
  assert.deepEqual(
    target.server!.log.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50),
    [],
    'a client that leaves is no error',
  );
});

test('bytes that the store has lost are 503, and the log tells which', { skip: needsOwnServer }, async () => {
  const own = await openTarget();
  const other = new Client(own);
  const { id } = await other.createActive(bytes(100));
  const [name] = await own.server!.storedFiles();
  await rm(path.join(own.server!.config.dataDir, 'images', 'local', name!));
  const answer = await other.download(id);
  refused(answer, 'store_unavailable');
  assert.ok(Number(answer.headers['retry-after']) > 0);
  assert.ok(!answer.body.toString().includes(name!), 'the refusal names no place');
  assert.ok(own.server!.log.some((line) => line.includes(id) && line.includes('"level":50')));
  assert.equal((await other.show(id)).status, 200, 'the record touches no store');
  assert.equal((await other.delete(`/v2/images/${id}`)).status, 204);
  await own.close();
});
