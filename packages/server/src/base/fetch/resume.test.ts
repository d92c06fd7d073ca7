/** A source that is cut is come back to, and what it then gives is the same or refused. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  collect,
  loopbackRules,
  serve,
  startWebSource,
  type WebSource,
} from '../../../../../test/support/web-source.ts';
import { Fetcher, type FetchLimits } from './fetcher.ts';

const bytes = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');
const strong = { ETag: '"1"' };
const open = { cap: 1000 };

let source: WebSource;
/** What the answers are, one after the other; the last one again and again. */
let answers: ((request: IncomingMessage, response: ServerResponse) => void)[] = [];

before(async () => {
  source = await startWebSource((request, response) => {
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    answer(request, response);
  });
});
after(() => source.close());
beforeEach(() => {
  source.requests.length = 0;
});

function cutAfter(count: number, headers: Record<string, string> = strong): (typeof answers)[number] {
  return (request, response) => serve(request, response, { bytes, headers, cutAfter: count });
}

function whole(headers: Record<string, string> = strong, other = bytes): (typeof answers)[number] {
  return (request, response) => serve(request, response, { bytes: other, headers });
}

function status(code: number, headers: Record<string, string> = {}): (typeof answers)[number] {
  return (_request, response) => {
    response.writeHead(code, headers).end();
  };
}

function fetcher(limits: Partial<FetchLimits> = {}): Fetcher {
  return new Fetcher(loopbackRules, { resumeDelayMs: 1, ...limits });
}

async function read(limits: Partial<FetchLimits> = {}): Promise<Buffer> {
  return await collect((await fetcher(limits).open(`${source.url}/x`, open)).body);
}

function ranges(): (string | undefined)[] {
  return source.requests.map(({ headers }) => headers.range);
}

describe('a source that is cut', () => {
  test('goes on where it ended, again and again', async () => {
    answers = [cutAfter(10), cutAfter(5), cutAfter(0), whole()];
    assert.deepEqual(await read(), bytes);
    assert.deepEqual(ranges(), [undefined, 'bytes=10-', 'bytes=15-', 'bytes=15-']);
    assert.deepEqual(source.requests.map(({ headers }) => headers['if-range']).slice(1), [
      '"1"',
      '"1"',
      '"1"',
    ]);
  });

  test('before its first byte goes on from there', async () => {
    answers = [cutAfter(0), whole()];
    assert.deepEqual(await read(), bytes);
  });

  test('goes on by its date when that is long past', async () => {
    const dated = (age: number) => ({
      'Last-Modified': new Date(Date.now() - age).toUTCString(),
      Date: new Date().toUTCString(),
    });
    const old = dated(3_600_000);
    const rest: (typeof answers)[number] = (request, response) => {
      assert.equal(request.headers['if-range'], old['Last-Modified']);
      response.writeHead(206, { ...old, 'Content-Range': `bytes 10-35/36` }).end(bytes.subarray(10));
    };
    answers = [cutAfter(10, old), rest];
    assert.deepEqual(await read(), bytes);
    answers = [cutAfter(10, dated(5000)), whole()];
    await assert.rejects(read(), { code: 'source_cut' });
  });

  for (const [title, headers] of [
    ['without an ETag', {}],
    ['with a weak ETag', { ETag: 'W/"1"' }],
    ['with an ETag that is none', { ETag: '1' }],
  ] as const) {
    test(`${title} is source_cut at once`, async () => {
      answers = [cutAfter(10, headers), whole(headers)];
      await assert.rejects(read(), { code: 'source_cut', message: /after 10 of 36 bytes/ });
      assert.equal(source.requests.length, 1);
    });
  }

  test('and has no ranges is source_cut after its attempts', async () => {
    const rangeless: (typeof answers)[number] = (_request, response) => {
      response.writeHead(200, { ...strong, 'Content-Length': bytes.length }).end(bytes);
    };
    answers = [cutAfter(10), rangeless];
    await assert.rejects(read({ resumes: 3 }), { code: 'source_cut' });
    assert.equal(source.requests.length, 4);
  });

  test('and is another one now is source_changed', async () => {
    const longer = Buffer.concat([bytes, bytes]);
    const liar: (typeof answers)[number] = (_request, response) => {
      response.writeHead(206, { ...strong, 'Content-Range': 'bytes 10-71/72' }).end(longer.subarray(10));
    };
    const shorter = whole(strong, bytes.subarray(0, 5));
    const other206: (typeof answers)[number] = (_request, response) => {
      response.writeHead(206, { ETag: '"2"', 'Content-Range': 'bytes 10-35/36' }).end(bytes.subarray(10));
    };
    for (const next of [whole({ ETag: '"2"' }), other206, liar, shorter]) {
      answers = [cutAfter(10), next];
      await assert.rejects(read(), { code: 'source_changed' });
    }
  });

  test('and answers with other bytes than the rest is refused', async () => {
    const elsewhere: (typeof answers)[number] = (_request, response) => {
      response.writeHead(206, { ...strong, 'Content-Range': 'bytes 9-35/36' }).end(bytes.subarray(9));
    };
    answers = [cutAfter(10), elsewhere];
    await assert.rejects(read({ resumes: 2 }), { code: 'source_unavailable', message: /other bytes/ });
  });

  test('and has troubles for a moment is waited for', async () => {
    answers = [cutAfter(10), status(503), status(429), whole()];
    assert.deepEqual(await read(), bytes);
  });

  test('and asks to be left in peace is, where nobody waits', async () => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const busy = { Date: date, 'Retry-After': 'Sun, 06 Nov 1994 08:49:38 GMT' };
    const timed = async (work: () => Promise<unknown>) => {
      const before = performance.now();
      await work();
      return performance.now() - before;
    };
    const patiently = { ...open, isPatient: true };
    const readPatiently = async (limits: Partial<FetchLimits> = {}) =>
      await collect((await fetcher(limits).open(`${source.url}/x`, patiently)).body);

    answers = [cutAfter(10), status(503, busy), whole()];
    assert.ok((await timed(async () => assert.deepEqual(await readPatiently(), bytes))) >= 990);
    answers = [cutAfter(10), status(503, { 'Retry-After': '60' }), whole()];
    assert.ok((await timed(async () => assert.deepEqual(await read(), bytes))) < 30_000);
    // Whoever comes back after it has failed has left it in peace, too.
    const unavailable = { code: 'source_unavailable' };
    answers = [status(503, busy)];
    assert.ok((await timed(() => assert.rejects(readPatiently(), unavailable))) >= 990);
    answers = [cutAfter(10), status(503, { 'Retry-After': '1' })];
    assert.ok((await timed(() => assert.rejects(readPatiently({ resumes: 1 }), unavailable))) >= 990);
  });

  test('and is gone is told at once', async () => {
    answers = [cutAfter(10), status(404)];
    await assert.rejects(read(), { code: 'source_refused', message: /404/ });
    assert.equal(source.requests.length, 2);
  });

  test('too often is source_cut, but not while it gives enough in between', async () => {
    answers = [cutAfter(1)];
    await assert.rejects(read({ resumes: 5 }), { code: 'source_cut', message: /after 6 of 36 bytes/ });
    assert.equal(source.requests.length, 6);
    assert.deepEqual(await read({ resumes: 2, resumeBytes: 1 }), bytes);
  });

  test('is asked by turns where it was found and from the start', async () => {
    const found = { Location: '/found' };
    answers = [status(302, found), cutAfter(10), status(403), status(302, found), cutAfter(10), whole()];
    assert.deepEqual(await read(), bytes);
    const paths = ['/x', '/found', '/found', '/x', '/found', '/found'];
    assert.deepEqual(
      source.requests.map(({ path }) => path),
      paths,
    );
  });

  test('in the middle of a range goes on within it', async () => {
    answers = [cutAfter(3), whole()];
    const { body } = await fetcher().openRange(`${source.url}/x`, { first: 10, last: 20 });
    assert.deepEqual(await collect(body), bytes.subarray(10, 21));
    assert.deepEqual(ranges(), ['bytes=10-20', 'bytes=13-20']);
  });
});

describe('a source that is opened at an offset', () => {
  const from = (offset: number, validator = '"1"') =>
    fetcher().open(`${source.url}/x`, { ...open, from: { offset, validator } });

  test('gives the rest', async () => {
    answers = [whole()];
    const { size, validator, body } = await from(30);
    assert.deepEqual([size, validator], [36, '"1"']);
    assert.deepEqual(await collect(body), bytes.subarray(30));
  });

  test('and cut goes on', async () => {
    answers = [cutAfter(2), whole()];
    assert.deepEqual(await collect((await from(30)).body), bytes.subarray(30));
  });

  test('and is another one now is source_changed', async () => {
    answers = [whole({ ETag: '"2"' })];
    await assert.rejects(from(30), { code: 'source_changed' });
    answers = [whole(strong, bytes.subarray(0, 10))];
    await assert.rejects(from(30), { code: 'source_changed' });
  });

  test('holds the cap for the whole object', async () => {
    answers = [whole()];
    const opening = fetcher().open(`${source.url}/x`, { cap: 35, from: { offset: 30, validator: '"1"' } });
    await assert.rejects(opening, { code: 'source_too_large' });
  });
});
