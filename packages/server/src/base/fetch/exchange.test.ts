/** Messages to services that answer early, late, never, or with something else. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { until } from '../../../../../test/support/process.ts';
import { loopbackRules, startWebSource, type WebSource } from '../../../../../test/support/web-source.ts';
import { Failure } from '../failure.ts';
import type { Message } from './exchange.ts';
import { Fetcher } from './fetcher.ts';

let source: WebSource;
let answer: RequestListener;
const fetcher = new Fetcher(loopbackRules);

before(async () => {
  source = await startWebSource((request, response) => answer(request, response));
});
beforeEach(() => {
  source.requests.length = 0;
});
after(() => source?.close());

const send = (more: Partial<Message> = {}) =>
  fetcher.exchange(`${source.url}/there`, {
    ...{ method: 'PUT', answerMs: null, signal: new AbortController().signal },
    ...more,
  });

const failsWith = (code: string) => (error: unknown) => error instanceof Failure && error.code === code;

test('the whole body arrives, and any status is an answer', async () => {
  const part = randomBytes(100_000);
  const hash = createHash('sha256');
  answer = async (request, response) => {
    for await (const chunk of request) hash.update(chunk);
    response.writeHead(418).end(`${request.method} ${request.headers['content-length']}`);
  };
  async function* body() {
    for (let count = 0; count < 50; count += 1) yield part;
  }
  const headers = { 'Content-Length': String(50 * part.length) };
  assert.deepEqual(await send({ headers, body: body() }), {
    status: 418,
    text: 'PUT 5000000',
    pauseMs: 0,
  });
  const expected = createHash('sha256');
  for (let count = 0; count < 50; count += 1) expected.update(part);
  assert.equal(hash.digest('hex'), expected.digest('hex'));
});

test('an answer before the end of the body ends the body', async () => {
  answer = (_request, response) => response.writeHead(413).end('too large');
  let isEnded = false;
  const part = Buffer.alloc(1_000_000);
  async function* endless() {
    try {
      for (;;) yield part;
    } finally {
      isEnded = true;
    }
  }
  const headers = { 'Content-Length': String(2 ** 50) };
  const { status, text } = await send({ headers, body: endless() });
  assert.deepEqual([status, text], [413, 'too large']);
  await until('the end of the body', () => isEnded);
});

test('what asks to be left in peace says for how long', async () => {
  answer = (_request, response) => response.writeHead(503, { 'Retry-After': '7' }).end();
  assert.deepEqual(await send({ body: 'x' }), { status: 503, text: '', pauseMs: 7_000 });
});

test('trouble of the body is not that of the service', async () => {
  answer = (request) => request.resume();
  // biome-ignore lint/correctness/useYield: it fails before
  async function* broken(): AsyncGenerator<Uint8Array> {
    throw new Failure('store_unavailable', 'The store is away.');
  }
  await assert.rejects(send({ body: broken() }), failsWith('store_unavailable'));
});

test('a service that breaks off, says nothing, or says too much is told apart', async () => {
  answer = (_request, response) => response.socket?.destroy();
  await assert.rejects(send({ body: 'x' }), failsWith('source_unreachable'));
  answer = (request) => request.resume();
  await assert.rejects(send({ body: 'x', answerMs: 50 }), failsWith('source_stalled'));
  answer = (_request, response) => response.end(Buffer.alloc(2 * 1024 * 1024));
  await assert.rejects(send({ body: 'x' }), failsWith('source_unavailable'));
  answer = (request) => request.socket.end('nonsense\r\n\r\n');
  await assert.rejects(send({ body: 'x' }), failsWith('source_unavailable'));
});

test('no redirect is followed, and no address asked that is not allowed', async () => {
  answer = (_request, response) => response.writeHead(307, { Location: '/elsewhere' }).end();
  assert.equal((await send({ method: 'GET' })).status, 307);
  assert.equal(source.requests.length, 1);
  const strict = new Fetcher({ ...loopbackRules, allowPrivateAddresses: false });
  const message = { method: 'GET', answerMs: null, signal: new AbortController().signal } as const;
  await assert.rejects(strict.exchange(source.url, message), failsWith('address_blocked'));
});

test('an abort ends it at once', async () => {
  const leaving = new AbortController();
  const reason = new Error('enough');
  answer = () => leaving.abort(reason);
  await assert.rejects(send({ signal: leaving.signal, body: 'x' }), reason);
});
