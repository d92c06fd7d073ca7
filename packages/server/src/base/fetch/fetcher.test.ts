/** What a source gives arrives as it is: sizes, credentials, redirects, ranges, refusals. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  collect,
  loopbackRules,
  serve,
  startWebSource,
  type WebSource,
} from '../../../../../test/support/web-source.ts';
import { Fetcher } from './fetcher.ts';

const bytes = Buffer.from('0123456789');
const basic = `Basic ${Buffer.from('user@x:pass:word%').toString('base64')}`;

let source: WebSource;
let other: WebSource;
const fetcher = new Fetcher(loopbackRules);
const open = { cap: 1000 };

before(async () => {
  source = await startWebSource((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const status = Number(searchParams.get('status'));
    if (pathname === '/status') response.writeHead(status, { 'Content-Length': 4 }).end('none');
    else if (pathname === '/to') response.writeHead(status, { Location: searchParams.get('url')! }).end();
    else if (pathname === '/count') {
      const left = Number(searchParams.get('left'));
      const next = left > 0 ? `/count?left=${left - 1}` : '/plain';
      response.writeHead(302, { Location: next }).end();
    } else if (pathname === '/chunked') {
      response.write(bytes.subarray(0, 5));
      response.end(bytes.subarray(5));
    } else if (pathname === '/gzip')
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(bytes));
    else if (pathname === '/short') serve(request, response, { bytes, cutAfter: 4 });
    else if (pathname === '/empty')
      serve(request, response, { bytes: Buffer.alloc(0), headers: { ETag: '"0"' } });
    else if (pathname === '/weak') serve(request, response, { bytes, headers: { ETag: 'W/"1"' } });
    else if (pathname === '/ranges') serve(request, response, { bytes, headers: { ETag: '"1"' } });
    else serve(request, response, { bytes });
  });
  other = await startWebSource((request, response) => serve(request, response, { bytes }));
});
after(() => Promise.all([source.close(), other.close()]));

/** Path and query that redirect there. */
function to(url: string, status = 302): string {
  return `${source.url}/to?status=${status}&url=${encodeURIComponent(url)}`;
}

describe('a whole object', () => {
  test('arrives with its size and leaves no connection', async () => {
    const { size, validator, body } = await fetcher.open(`${source.url}/ranges`, { cap: 10 });
    assert.deepEqual([size, validator], [10, '"1"']);
    assert.deepEqual(await collect(body), bytes);
    assert.deepEqual(await body.next(), { value: undefined, done: true });
    while ((await source.connections()) > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('may be empty', async () => {
    const { size, body } = await fetcher.open(`${source.url}/empty`, open);
    assert.deepEqual([size, await collect(body)], [0, Buffer.alloc(0)]);
  });

  test('may have no size, and then is counted', async () => {
    const { size, body } = await fetcher.open(`${source.url}/chunked`, { cap: 10 });
    assert.deepEqual([size, await collect(body)], [null, bytes]);
    const more = await fetcher.open(`${source.url}/chunked`, { cap: 9 });
    await assert.rejects(collect(more.body), { code: 'source_too_large', message: /9 bytes/ });
  });

  test('that says it is too large is refused before its data', async () => {
    const opening = fetcher.open(`${source.url}/plain`, { cap: 9 });
    await assert.rejects(opening, { code: 'source_too_large' });
  });

  test('that ends before its size is source_cut', async () => {
    const { body } = await fetcher.open(`${source.url}/short`, open);
    await assert.rejects(collect(body), { code: 'source_cut', message: /after 4 of 10 bytes/ });
  });

  test('is taken as it was sent, not decompressed', async () => {
    const { body } = await fetcher.open(`${source.url}/gzip`, open);
    assert.deepEqual(await collect(body), gzipSync(bytes));
    assert.equal(source.requests.at(-1)?.headers['accept-encoding'], 'identity');
  });

  for (const [status, code] of [
    [204, 'source_refused'],
    [304, 'source_refused'],
    [401, 'source_refused'],
    [404, 'source_refused'],
    [429, 'source_unavailable'],
    [503, 'source_unavailable'],
  ] as const) {
    test(`that is answered ${status} is ${code}, with the reference's words`, async () => {
      const url = `${source.url}/status`;
      const message = `Could not retrieve image. Received ${status} response for url '${url}?…'.`;
      await assert.rejects(fetcher.open(`${url}?status=${status}`, open), { name: 'Failure', code, message });
    });
  }
});

describe('credentials', () => {
  const url = () => source.url.replace('//', '//user%40x:pass%3Aword%@');
  const seen = (web: WebSource) => web.requests.at(-1)?.headers;

  test('of the URL become basic authentication', async () => {
    await collect((await fetcher.open(`${url()}/plain`, open)).body);
    assert.equal(seen(source)?.authorization, basic);
    await collect((await fetcher.open(`${source.url}/plain`, open)).body);
    assert.equal(seen(source)?.authorization, undefined);
  });

  test('and headers stay with their origin', async () => {
    const headers = { 'X-Auth-Token': 'secret' };
    const start = to('/plain').replace(source.url, url());
    await collect((await fetcher.open(start, { ...open, headers })).body);
    assert.deepEqual([seen(source)?.authorization, seen(source)?.['x-auth-token']], [basic, 'secret']);
    const away = to(`${other.url}/plain`).replace(source.url, url());
    await collect((await fetcher.open(away, { ...open, headers })).body);
    assert.deepEqual([seen(other)?.authorization, seen(other)?.['x-auth-token']], [undefined, undefined]);
  });

  test('that a redirect brings are for where it leads', async () => {
    const away = to(other.url.replace('//', '//a:b@'));
    await collect((await fetcher.open(away, open)).body);
    assert.equal(seen(other)?.authorization, `Basic ${Buffer.from('a:b').toString('base64')}`);
  });
});

describe('redirects', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`of status ${status} are followed`, async () => {
      const { body } = await fetcher.open(to(`${other.url}/plain#part`, status), open);
      assert.deepEqual(await collect(body), bytes);
    });
  }

  test('are followed five times and no more', async () => {
    assert.deepEqual(await collect((await fetcher.open(`${source.url}/count?left=4`, open)).body), bytes);
    await assert.rejects(fetcher.open(`${source.url}/count?left=5`, open), {
      code: 'source_refused',
      message: /more than 5 times/,
    });
  });

  test('without a place to go are refusals', async () => {
    const opening = fetcher.open(`${source.url}/status?status=302`, open);
    await assert.rejects(opening, { code: 'source_refused', message: /302/ });
  });
});

describe('a range', () => {
  for (const path of ['/ranges', '/plain', '/chunked']) {
    test(`of ${path} is exactly what was asked for`, async () => {
      for (const [first, last] of [
        [0, 0],
        [0, 9],
        [3, 5],
        [9, 9],
      ] as const) {
        const { body } = await fetcher.openRange(`${source.url}${path}`, { first, last });
        assert.deepEqual(await collect(body), bytes.subarray(first, last + 1), `${first} to ${last}`);
      }
    });
  }

  test('that the object does not have is told with its size', async () => {
    for (const path of ['/ranges', '/plain']) {
      for (const [first, last] of [
        [10, 10],
        [5, 10],
        [5, 4],
        [-1, 3],
      ] as const) {
        const opening = fetcher.openRange(`${source.url}${path}`, { first, last });
        await assert.rejects(opening, { code: 'range_not_satisfiable' });
      }
    }
    const opening = fetcher.openRange(`${source.url}/chunked`, { first: 5, last: 10 });
    await assert.rejects(collect((await opening).body), { code: 'source_cut' });
  });
});

test('a look tells size and validator without reading', async () => {
  const look = (path: string) => fetcher.look(`${source.url}${path}`);
  assert.deepEqual(await look('/ranges'), { size: 10, validator: '"1"' });
  assert.deepEqual(await look('/plain'), { size: 10, validator: null });
  assert.deepEqual(await look('/weak'), { size: 10, validator: null });
  assert.deepEqual(await look('/empty'), { size: 0, validator: null });
  assert.deepEqual(await look('/chunked'), { size: null, validator: null });
  await assert.rejects(look('/status?status=403'), { code: 'source_refused', message: /403/ });
});
