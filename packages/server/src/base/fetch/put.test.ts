/** What is sent arrives whole or the sender is told why not: refusals, cuts, places that stand still. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { after, before, describe, test } from 'node:test';
import {
  loopbackRules,
  startWebSource,
  take,
  type WebSource,
} from '../../../../../test/support/web-source.ts';
import { Fetcher } from './fetcher.ts';

const chunkBytes = 100_000;
const signal = new AbortController().signal;

let place: WebSource;
/** What came last, and as what. */
let arrived: { body: Buffer; method: string; authorization: string | undefined } | null;
let answer: RequestListener;
/** Whether what was sent last was read to its end. */
let isRead = false;

const takes: RequestListener = async (request, response) => {
  const body = await take(request, response);
  if (body !== null)
    arrived = { body, method: request.method!, authorization: request.headers.authorization };
};
before(async () => {
  place = await startWebSource((request, response) => answer(request, response));
});
after(() => place.close());

/** The same buffer again and again, as readers of stores give it. */
async function* reused(size: number, step = chunkBytes): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(step);
  for (let at = 0; at < size; at += step) {
    const length = Math.min(step, size - at);
    for (let index = 0; index < length; index += 1) buffer[index] = (at + index) % 251;
    yield buffer.subarray(0, length);
  }
  buffer.fill(255);
  isRead = true;
}

function expected(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => index % 251));
}

async function putTo(
  path: string,
  size: number,
  { step, limits = {}, rules = {} }: { step?: number; limits?: object; rules?: object } = {},
): Promise<void> {
  const fetcher = new Fetcher({ ...loopbackRules, ...rules }, limits);
  await fetcher.put(path.startsWith('/') ? place.url + path : path, {
    size,
    chunks: reused(size, step),
    signal,
  });
}

describe('what is sent', () => {
  test('arrives as it is, whatever the size of its chunks', async () => {
    answer = takes;
    for (const [size, step] of [
      [0, 1],
      [1, 1],
      [5_000, 7],
      [400_000, 1_000],
      [3_000_001, 65_536],
      [3_000_001, 1_000_000],
    ] as const) {
      arrived = null;
      isRead = false;
      await putTo('/x', size, { step });
      assert.ok(isRead);
      assert.deepEqual([arrived!.method, arrived!.body.length], ['PUT', size]);
      assert.ok(arrived!.body.equals(expected(size)), `${size} in ${step}`);
      assert.equal(place.requests.at(-1)!.headers['content-length'], String(size));
    }
  });

  test('goes with the credentials of the URL, which stand in no refusal', async () => {
    answer = takes;
    await putTo(`${place.url.replace('//', '//me:s3cret@')}/x?signature=s3cret`, 10);
    assert.equal(arrived!.authorization, `Basic ${Buffer.from('me:s3cret').toString('base64')}`);
    answer = (request, response) => request.resume().on('end', () => response.writeHead(403).end());
    const refused = putTo(`${place.url.replace('//', '//me:s3cret@')}/x?signature=s3cret`, 10);
    await assert.rejects(refused, {
      code: 'target_refused',
      message: `Could not send the image. Received 403 response for url '${place.url}/x?…'.`,
    });
  });
});

describe('a place that does not take it', () => {
  const answers = (status: number, headers = {}) => {
    answer = (request, response) =>
      request.resume().on('end', () => response.writeHead(status, headers).end());
  };

  test('is refused or unavailable, by its status, and no redirect is followed', async () => {
    for (const [status, code] of [
      [403, 'target_refused'],
      [411, 'target_refused'],
      [307, 'target_refused'],
      [408, 'target_unavailable'],
      [503, 'target_unavailable'],
    ] as const) {
      answers(status, { Location: '/y' });
      const before = place.requests.length;
      await assert.rejects(putTo('/x', 10), { code, message: new RegExp(`Received ${status} response`) });
      assert.equal(place.requests.length, before + 1);
    }
  });

  test('is heard before all is sent', async () => {
    answer = (_request, response) => response.writeHead(413, { Connection: 'close' }).end();
    await assert.rejects(putTo('/x', 50_000_000), ({ code }) =>
      ['target_refused', 'target_unreachable'].includes(code),
    );
  });

  test('has not taken what it did not wait for', async () => {
    answer = (_request, response) => response.writeHead(201, { Connection: 'close' }).end();
    await assert.rejects(putTo('/x', 50_000_000), ({ code }) =>
      ['target_unavailable', 'target_unreachable'].includes(code),
    );
  });

  test('is left in peace for as long as it asks for', async () => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    for (const headers of [
      { 'Retry-After': '1' },
      { Date: date, 'Retry-After': 'Sun, 06 Nov 1994 08:49:38 GMT' },
    ]) {
      answers(429, headers);
      const before = performance.now();
      await assert.rejects(putTo('/x', 10), { code: 'target_unavailable' });
      assert.ok(performance.now() - before >= 990, JSON.stringify(headers));
    }
  });

  test('and cuts the connection is unreachable', async () => {
    answer = (request) => request.once('data', () => request.socket.destroy());
    await assert.rejects(putTo('/x', 20_000_000), {
      code: 'target_unreachable',
      message: /^Could not send the image to 'http:/,
    });
  });

  test('and stands still, or never answers, is stalled', async () => {
    answer = (request) => request.pause();
    const still = putTo('/x', 50_000_000, { limits: { stallMs: 100 } });
    await assert.rejects(still, { code: 'target_stalled', message: /it took no data for 0.1 seconds/ });
    answer = (request) => request.resume();
    const silent = putTo('/x', 10, { limits: { answerMs: 100 } });
    await assert.rejects(silent, { code: 'target_stalled', message: /it did not answer/ });
  });
});

test('what must not be connected to gets nothing', async () => {
  const before = place.requests.length;
  const rules = { allowPrivateAddresses: false };
  for (const [url, code, more] of [
    ['/x', 'address_blocked', rules],
    ['http://169.254.169.254/x', 'address_blocked', {}],
    ['/x', 'source_not_allowed', { allowedPorts: [443] }],
    ['ftp://one.example/x', 'source_not_allowed', {}],
    ['x', 'source_url_invalid', {}],
  ] as const)
    await assert.rejects(putTo(url, 1, { rules: more }), { code });
  const named = new Fetcher({ ...loopbackRules, ...rules }, {}, async () => ['127.0.0.1']);
  const sent = named.put(`http://one.example:${place.port}/x`, { size: 1, chunks: reused(1), signal });
  await assert.rejects(sent, { code: 'address_blocked', message: /^Could not send the image to 'http:/ });
  assert.equal(place.requests.length, before);
});

test('what its reader fails with is what is told, and what was cancelled ends', async () => {
  answer = takes;
  arrived = null;
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(chunkBytes);
    throw new RangeError('no more');
  }
  const fetcher = new Fetcher(loopbackRules);
  for (const size of [chunkBytes, 2 * chunkBytes]) {
    const put = fetcher.put(`${place.url}/x`, { size, chunks: broken(), signal });
    await assert.rejects(put, /no more/);
  }

  const leaving = new AbortController();
  answer = (request) => request.once('data', () => leaving.abort(new RangeError('enough')));
  const chunks = reused(50_000_000);
  const left = fetcher.put(`${place.url}/x`, { size: 50_000_000, chunks, signal: leaving.signal });
  await assert.rejects(left, /enough/);
  assert.equal(arrived, null);
});
