/** What is hardly HTTP: refused in the one error shape, on the socket if need be, never hung, never taken for data. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/process.ts';
import { differs, needsIdentity, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { checkAnswer } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, raw } from './client.ts';
import { exchange, head, nextAnswer, open, type RawAnswer } from './raw-socket.ts';

const skip = differs('What is hardly HTTP is answered by its HTTP library, in other words.');
let target: Target;
let client: Client;

before(async () => {
  target = await openTarget({ images: { uploadIdleTimeout: 1 } });
  client = new Client(target);
});
after(() => target.close());

function check(answer: RawAnswer, status: number, reason?: string): void {
  const text = answer.body.toString();
  assert.equal(answer.status, status, text);
  const whole = { ...answer, json: status >= 400 ? JSON.parse(text) : null };
  checkAnswer('GET', whole);
  if (reason !== undefined) assert.equal(whole.json.error.reason, reason);
}

async function stillServes(): Promise<void> {
  assert.equal((await client.get('/v2/images?limit=1')).status, 200);
}

const images = 'GET /v2/images?limit=1';

test('a method that HTTP cannot have is 501', { skip }, async () => {
  for (const method of ['FOO', 'get', 'G\u0000T', 'GETGETGETGET', 'BREW'])
    check(await exchange(target, head(target, 'caller', `${method} /v2/images`)), 501, 'unknown_method');
  await stillServes();
});

test('CONNECT is 501: this is no proxy', { skip }, async () => {
  check(await exchange(target, head(target, 'caller', 'CONNECT tintype.test:443')), 501, 'unknown_method');
  await stillServes();
});

test('header lines that are too long are 431, whichever they are', { skip }, async () => {
  const long = 'x'.repeat(40_000);
  for (const request of [
    head(target, 'caller', images, [`X-Padding: ${long}`]),
    head(target, 'caller', images, [`${long}: x`]),
    head(target, 'caller', `GET /v2/images?name=${long}`),
    head(
      target,
      'caller',
      images,
      Array.from({ length: 3000 }, (_, i) => `X-${i}: padding`),
    ),
  ])
    check(await exchange(target, request), 431, 'header_too_large');
  await stillServes();
});

test('hundreds of small headers are served', { skip }, async () => {
  const flood = Array.from({ length: 400 }, (_, i) => `a${i}: b`);
  assert.equal((await exchange(target, head(target, 'caller', images, flood))).status, 200);
});

test('exactly one Host is needed, and it is a host', { skip }, async () => {
  const without = head(target, 'caller', images).replace('Host: tintype.test\r\n', '');
  check(await exchange(target, without), 400, 'bad_request');
  check(await exchange(target, head(target, 'caller', images, ['host: other.test'])), 400, 'bad_request');
  for (const host of ['a b', 'a/b', 'a?b', 'user@a', '<a>', '"'])
    check(
      await exchange(target, head(target, 'caller', images).replace('tintype.test', host)),
      400,
      'bad_request',
    );
  for (const host of ['tintype.test:9292', '[::1]:9292', 'a_b', ''])
    assert.equal(
      (await exchange(target, head(target, 'caller', images).replace('tintype.test', host))).status,
      200,
      host,
    );
});

test('HTTP/1.0 is answered, without a Host too', { skip }, async () => {
  const old = head(target, 'caller', images).replace('HTTP/1.1', 'HTTP/1.0');
  assert.equal((await exchange(target, old)).status, 200);
  assert.equal((await exchange(target, old.replace('Host: tintype.test\r\n', ''))).status, 200);
});

test('the host may stand in the request line', { skip }, async () => {
  for (const path of ['/v2/images?limit=1', '/v2.9/images?limit=1'])
    assert.equal(
      (await exchange(target, head(target, 'caller', `GET http://other.test${path}`))).status,
      200,
    );
  assert.equal((await exchange(target, head(target, 'caller', 'GET http://other.test'))).status, 300);
  assert.equal((await exchange(target, head(target, 'caller', 'OPTIONS *'))).status, 300);
});

const document = '{"name":"smuggled"}';
const length = `Content-Length: ${document.length}`;
const smuggling: Record<string, readonly string[]> = {
  'both lengths and chunks': [length, 'Transfer-Encoding: chunked'],
  'chunks and a length': ['Transfer-Encoding: chunked', length],
  'two lengths': [length, 'Content-Length: 3'],
  'a list of lengths': [`Content-Length: ${document.length}, 3`],
  'a negative length': ['Content-Length: -1'],
  'a length with a sign': ['Content-Length: +5'],
  'a hexadecimal length': ['Content-Length: 0x13'],
  'a length beyond 2^64': ['Content-Length: 99999999999999999999999'],
  'a length with a space inside': ['Content-Length: 1 9'],
  'another coding before chunked': ['Transfer-Encoding: gzip, chunked'],
  'chunked that is not last': ['Transfer-Encoding: chunked, identity'],
  'an unknown coding': ['Transfer-Encoding: xchunked'],
  'chunked twice': ['Transfer-Encoding: chunked, chunked'],
  'two codings in two lines': ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  'a space before the colon': ['Transfer-Encoding : chunked'],
  'a folded line': ['X-A: b\r\n folded'],
  'a bare carriage return in a value': ['X-A: b\rTransfer-Encoding: chunked'],
  'a NUL in a value': ['X-A: b\u0000c'],
  'a name with a space': ['X A: b'],
  'no colon': ['Nothing'],
};

for (const [what, lines] of Object.entries(smuggling))
  test(`${what} is 400 and nothing behind it is taken for a request`, { skip }, async () => {
    const { id } = await client.create(raw);
    const inner = head(target, 'caller', `DELETE /v2/images/${id}`);
    const extra = lines.some((line) => /content-length|transfer-encoding/i.test(line)) ? [] : [length];
    // With a document, with data, with nothing.
    for (const outer of ['POST /v2/images', `PUT /v2/images/${id}/file`, `GET /v2/images/${id}`]) {
      const socket = await open(target);
      const type = 'Content-Type: application/octet-stream';
      socket.write(head(target, 'caller', outer, [type, ...lines, ...extra]) + document + inner);
      const answer = await nextAnswer(socket);
      assert.ok(answer !== null, outer);
      check(answer, 400, 'bad_request');
      assert.equal(await nextAnswer(socket), null, `${outer}: the connection ends`);
      socket.destroy();
    }
    assert.equal(await client.status(id), 'queued');
    assert.deepEqual(await client.ids('name=smuggled'), []);
  });

test('broken chunks are 400', { skip }, async () => {
  for (const body of ['zz\r\n{}\r\n0\r\n\r\n', '-1\r\n', '2\r\n{}xx0\r\n\r\n', 'fffffffffffffffff\r\n{}'])
    check(
      await exchange(
        target,
        head(target, 'caller', 'POST /v2/images', ['Transfer-Encoding: chunked']) + body,
      ),
      400,
      'bad_request',
    );
  await stillServes();
});

test('after nonsense the server ends the connection, even when the client does not', { skip }, async () => {
  const socket = await open(target);
  socket.write('nonsense\r\n\r\n');
  const answer = await nextAnswer(socket);
  check(answer!, 501);
  socket.resume();
  await once(socket, 'end');
  const lost = new Promise((resolve) => socket.once('error', resolve));
  const poking = setInterval(() => socket.write('more'), 50);
  await lost;
  clearInterval(poking);
});

test('nonsense behind a download is not answered in the middle of it', { skip }, async () => {
  const data = bytes(8 << 20);
  const { id } = await client.createActive(data);
  const socket = await open(target);
  socket.write(head(target, 'caller', `GET /v2/images/${id}/file`));
  await once(socket, 'readable');
  socket.write('nonsense\r\n\r\n');
  const received: Buffer[] = [];
  try {
    for await (const chunk of socket) received.push(chunk);
  } catch {
    // Cut off.
  }
  const all = Buffer.concat(received);
  assert.match(all.toString('latin1', 0, 12), /^HTTP\/1\.1 200$/);
  const body = all.subarray(all.indexOf('\r\n\r\n') + 4).subarray(0, data.length);
  assert.ok(body.equals(data.subarray(0, body.length)), 'nothing but data stands in the data');
});

test('undecodable paths name nothing', { skip }, async () => {
  for (const path of [
    '/v2/images/%zz',
    '/v2/images/%',
    '/v2/images/%ff',
    '/%c3%28',
    '/v2/images/x/tags/%e2%82',
  ])
    for (const method of ['GET', 'PUT', 'DELETE'])
      check(await exchange(target, head(target, 'caller', `${method} ${path}`)), 404, 'not_found');
  await stillServes();
});

test('undecodable paths below /v2 are refused to whoever has no identity', {
  skip: skip || needsIdentity,
}, async () => {
  check(await exchange(target, head(target, null, 'GET /v2/images/%zz')), 401, 'unauthenticated');
  const long = [`X-Openstack-Request-Id: ${'r'.repeat(65)}`];
  check(await exchange(target, head(target, 'caller', 'GET /v2/images/%zz', long)), 431, 'header_too_large');
});

test('bytes outside ASCII in the request line are refused or name nothing', { skip }, async () => {
  for (const path of ['/v2/images/\u00e9', '/v2/images?name=\u00e9']) {
    const request = Buffer.from(head(target, 'caller', `GET ${path}`), 'latin1');
    const { status } = await exchange(target, request);
    assert.ok([200, 400, 404].includes(status), `${status}`);
  }
});

test('an expectation that nobody knows is ignored', { skip }, async () => {
  assert.equal((await exchange(target, head(target, 'caller', images, ['Expect: a miracle']))).status, 200);
});

test('a client that waits for leave to send a forbidden body is refused at once', { skip }, async () => {
  const expecting = ['Expect: 100-continue', 'Transfer-Encoding: chunked'];
  check(
    await exchange(target, head(target, 'caller', 'DELETE /v2/images/x', expecting)),
    400,
    'body_not_allowed',
  );
  check(
    await exchange(target, head(target, 'caller', 'GET /v2/images', ['Expect: 100-continue', length])),
    400,
    'body_not_allowed',
  );
});

test('a client that waits for leave to send a document gets it', { skip }, async () => {
  const socket = await open(target);
  socket.write(head(target, 'caller', 'POST /v2/images', ['Expect: 100-continue', length]));
  assert.equal((await nextAnswer(socket))?.status, 100);
  socket.write(document);
  const made = await nextAnswer(socket);
  assert.equal(made?.status, 201);
  socket.destroy();
  await client.delete(`/v2/images/${JSON.parse(made!.body.toString()).id}`);
});

test('a body that stops arriving is 408, a document or none', { skip: needsOwnServer }, async () => {
  check(
    await exchange(target, `${head(target, 'caller', 'POST /v2/images', [length])}{`),
    408,
    'upload_stalled',
  );
  const chunked = ['Transfer-Encoding: chunked'];
  check(
    await exchange(target, head(target, 'caller', 'DELETE /v2/images/x', chunked)),
    408,
    'upload_stalled',
  );
  await stillServes();
});

test('a body that is cut off is not the fault of the server', { skip: needsOwnServer }, async () => {
  const socket = await open(target);
  socket.write(`${head(target, 'caller', 'POST /v2/images', [length])}{`);
  await delay(50);
  socket.destroy();
  const seen = () => target.server!.log.map((line) => JSON.parse(line));
  await until('the log tells of it', () =>
    seen().some(({ msg, path, status }) => msg === 'request' && path === '/v2/images' && status === 400),
  );
  assert.deepEqual(
    seen().filter(({ level }) => level >= 50),
    [],
  );
});

test('requests in one packet are answered one by one', { skip }, async () => {
  const { id } = await client.create({ ...raw, name: 'pipelined' });
  const socket = await open(target);
  const show = head(target, 'caller', `GET /v2/images/${id}`);
  const make = head(target, 'caller', 'POST /v2/images', [length]) + document;
  socket.write(show + make + show + head(target, null, 'GET /versions'));
  const statuses = [];
  for (let i = 0; i < 4; i += 1) {
    const answer = await nextAnswer(socket);
    statuses.push(answer?.status);
    if (answer?.status === 201) await client.delete(`/v2/images/${JSON.parse(answer.body.toString()).id}`);
  }
  assert.deepEqual(statuses, [200, 201, 200, 200]);
  socket.destroy();
});

test('of requests in one packet none overtakes the one before', { skip }, async () => {
  const { id } = await client.create({ ...raw, name: 'in turn' });
  const socket = await open(target);
  const data = 'Content-Type: application/octet-stream';
  const upload = head(target, 'caller', `PUT /v2/images/${id}/file`, [data, 'Transfer-Encoding: chunked']);
  const download = head(target, 'caller', `GET /v2/images/${id}/file`);
  const removal = head(target, 'caller', `DELETE /v2/images/${id}`);
  const show = head(target, 'caller', `GET /v2/images/${id}`);
  socket.write(`${upload}5\r\nhello\r\n0\r\n\r\n${download}${removal}${show}`);
  const statuses = [];
  for (let i = 0; i < 4; i += 1) statuses.push((await nextAnswer(socket))?.status);
  assert.deepEqual(statuses, [204, 200, 204, 404]);
  socket.destroy();
});

test('nonsense behind a request that is under way does not keep its answer back', { skip }, async () => {
  const socket = await open(target);
  socket.write(`${head(target, 'caller', 'POST /v2/images', [length])}${document}\u0000nonsense\r\n\r\n`);
  const made = await nextAnswer(socket);
  assert.equal(made?.status, 201);
  await client.delete(`/v2/images/${JSON.parse(made!.body.toString()).id}`);
  const refusal = await nextAnswer(socket);
  assert.equal(refusal?.status, 501, 'what no method can begin with');
  socket.destroy();
});

test('what stands behind a request that ends the connection is not carried out', { skip }, async () => {
  const { id } = await client.create({ name: 'behind the end' });
  const socket = await open(target);
  const show = head(target, 'caller', `GET /v2/images/${id}`, ['Connection: close']);
  socket.write(show + head(target, 'caller', `DELETE /v2/images/${id}`));
  assert.equal((await nextAnswer(socket))?.status, 200);
  assert.equal(await nextAnswer(socket), null);
  socket.destroy();
  assert.equal((await client.show(id)).status, 200);
});
