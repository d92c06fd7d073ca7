/** Nothing is connected to but what was resolved once and vetted, at the first hop and at every other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  collect,
  loopbackRules,
  serve,
  startWebSource,
  type WebSource,
} from '../../../../../test/support/web-source.ts';
import { Failure } from '../failure.ts';
import { Fetcher } from './fetcher.ts';

const bytes = Buffer.from('an image');
const open = { cap: 1000 };

let source: WebSource;
let location = '';
before(async () => {
  source = await startWebSource((request, response) => {
    if (request.url?.startsWith('/redirect'))
      response.writeHead(302, { Location: location }).end('elsewhere');
    else if (request.url === '/cut')
      serve(request, response, { bytes, headers: { ETag: '"1"' }, cutAfter: 3 });
    else serve(request, response, { bytes });
  });
});
after(() => source.close());
beforeEach(() => {
  source.requests.length = 0;
});

/** A resolver that says this, one answer after the other, and keeps what it was asked for. */
function saying(...answers: (readonly string[])[]) {
  const asked: string[] = [];
  const resolve = async (name: string): Promise<readonly string[]> => {
    asked.push(name);
    return answers[asked.length - 1] ?? assert.fail(`${name} was resolved once too often`);
  };
  return { asked, resolve };
}

describe('a name', () => {
  test('is connected to at the address that was vetted, and asked by its name', async () => {
    const { asked, resolve } = saying(['127.0.0.1']);
    const { body } = await new Fetcher(loopbackRules, {}, resolve).open(
      `http://image.example:${source.port}/x`,
      open,
    );
    assert.deepEqual(await collect(body), bytes);
    assert.deepEqual(asked, ['image.example']);
    assert.equal(source.requests[0]?.headers.host, `image.example:${source.port}`);
  });

  for (const address of [
    '127.0.0.1',
    '::ffff:127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    'fe80::1%lo',
    '0.0.0.0',
  ]) {
    test(`that resolves to ${address} is refused, without telling the address`, async () => {
      const { resolve } = saying(['8.8.8.8', address]);
      const fetcher = new Fetcher({ ...loopbackRules, allowPrivateAddresses: false }, {}, resolve);
      const opening = fetcher.open(`http://image.example:${source.port}/`, open);
      await assert.rejects(opening, (error) => {
        assert.ok(error instanceof Failure && error.code === 'address_blocked');
        assert.doesNotMatch(error.message, /127|10\.|169/);
        return true;
      });
      assert.equal(source.requests.length, 0);
    });
  }

  test('that resolves into a denied network is refused', async () => {
    const { resolve } = saying(['127.0.0.1']);
    const fetcher = new Fetcher({ ...loopbackRules, deniedHosts: ['127.0.0.0/24'] }, {}, resolve);
    const opening = fetcher.open(`http://image.example:${source.port}/`, open);
    await assert.rejects(opening, { code: 'source_not_allowed' });
    assert.equal(source.requests.length, 0);
  });

  test('that is another address the second time is judged again', async () => {
    location = `http://image.example:${source.port}/again`;
    const rebinding = saying(['127.0.0.1'], ['169.254.169.254']);
    const fetcher = new Fetcher(loopbackRules, {}, rebinding.resolve);
    const opening = fetcher.open(`http://image.example:${source.port}/redirect`, open);
    await assert.rejects(opening, { code: 'address_blocked' });
    assert.deepEqual(
      source.requests.map(({ path }) => path),
      ['/redirect'],
    );
  });

  test('that is another address when a cut source is come back to is judged again', async () => {
    const rebinding = saying(['127.0.0.1'], ['169.254.169.254']);
    const fetcher = new Fetcher(loopbackRules, { resumeDelayMs: 1 }, rebinding.resolve);
    const { body } = await fetcher.open(`http://image.example:${source.port}/cut`, open);
    await assert.rejects(collect(body), { code: 'address_blocked' });
    assert.deepEqual(rebinding.asked, ['image.example', 'image.example']);
    assert.equal(source.requests.length, 1);
  });

  test('whose first address is dead is reached at the next', async () => {
    const { resolve } = saying(['127.0.0.2', '127.0.0.1']);
    const { body } = await new Fetcher(loopbackRules, {}, resolve).open(
      `http://image.example:${source.port}/`,
      open,
    );
    assert.deepEqual(await collect(body), bytes);
  });

  test('with no address, or unknown to the resolver, is told', async () => {
    const lost = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    for (const resolve of [async () => [], () => Promise.reject(lost)]) {
      const opening = new Fetcher(loopbackRules, {}, resolve).open('http://image.example/', open);
      await assert.rejects(opening, { code: 'source_unreachable', message: /name/ });
    }
  });

  test('that takes too long to resolve is told', async () => {
    const resolve = () => new Promise<never>(() => undefined);
    const opening = new Fetcher(loopbackRules, { connectMs: 20 }, resolve).open(
      'http://image.example/',
      open,
    );
    await assert.rejects(opening, { code: 'source_unreachable', message: /too long/ });
  });
});

describe('a redirect', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['http://169.254.169.254/latest/meta-data/', 'address_blocked'],
    ['http://[fd00:ec2::254]/', 'address_blocked'],
    ['http://[::ffff:169.254.169.254]/', 'address_blocked'],
    ['http://0xa9fea9fe/', 'source_url_invalid'],
    ['//0xa9fea9fe/', 'address_blocked'],
    ['file:///etc/passwd', 'source_not_allowed'],
    ['gopher://127.0.0.1/', 'source_not_allowed'],
    ['http://denied.example/', 'source_not_allowed'],
    ['http://127.0.0.9:1/', 'source_not_allowed'],
    ['http://user@:1/', 'source_url_invalid'],
  ];
  for (const [to, code] of refused) {
    test(`to ${to} is ${code}`, async () => {
      location = to;
      const fetcher = new Fetcher({ ...loopbackRules, deniedHosts: ['denied.example', '127.0.0.9'] });
      await assert.rejects(fetcher.open(`${source.url}/redirect`, open), { code });
      assert.equal(source.requests.length, 1);
    });
  }
});

test('a port where nobody listens is source_unreachable', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  server.close();
  await once(server, 'close');
  const opening = new Fetcher(loopbackRules).open(`http://127.0.0.1:${address.port}/`, open);
  await assert.rejects(opening, { code: 'source_unreachable', message: /refused/ });
});

test('nothing secret in a URL reaches a failure or its causes', async () => {
  location = 'http://user:secret@127.0.0.9:1/?signature=secret';
  const fetcher = new Fetcher({ ...loopbackRules, deniedHosts: ['127.0.0.9'] });
  for (const path of ['/redirect', '/redirect?token=secret']) {
    const url = `http://user:secret@127.0.0.1:${source.port}${path}`;
    await assert.rejects(fetcher.open(url, open), (error) => {
      for (let inner: unknown = error; inner instanceof Error; inner = inner.cause)
        assert.doesNotMatch(`${inner.message} ${inner.stack}`, /secret/);
      return error instanceof Failure;
    });
  }
});
