/** The http store keeps the contract of read-only stores, and tells troubles without telling the URL. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { after, before, describe, test } from 'node:test';
import {
  loopbackRules,
  serve,
  startWebSource,
  type WebSource,
} from '../../../../../test/support/web-source.ts';
import { Failure } from '../../base/failure.ts';
import type { FetchLimits } from '../../base/fetch/fetcher.ts';
import { collect, slice } from '../contract/bytes.ts';
import { assertAbsent, rejectsWith } from '../contract/cases.ts';
import { readOnlyStoreContract } from '../store.contract.ts';
import type { Store } from '../store.ts';
import { openHttpStore } from './http.ts';

const options = { ...loopbackRules, id: 'web', type: 'http', weight: 0, description: null } as const;

const sizes = new Map<string, number>();
let source: WebSource;
let handle: RequestListener = (_request, response) => response.writeHead(404).end();

before(async () => {
  source = await startWebSource((request, response) => {
    const size = sizes.get(request.url ?? '');
    if (size === undefined) return handle(request, response);
    serve(request, response, { bytes: slice(1, 0, size), headers: { ETag: `"${size}"` } });
  });
});
after(() => source.close());

function open(limits: Partial<FetchLimits> = {}): Promise<Store> {
  return openHttpStore(options, { resumeDelayMs: 1, ...limits });
}

readOnlyStoreContract(
  'http',
  () => openHttpStore(options),
  async (size) => {
    const path = `/${randomBytes(8).toString('hex')}`;
    sizes.set(path, size);
    return `${source.url}${path}`;
  },
);

describe('an object that cannot be read', () => {
  const url = () => `${source.url.replace('//', '//user:secret@')}/image?signature=secret`;

  for (const status of [404, 410]) {
    test(`since it is answered ${status} is not there`, async () => {
      handle = (_request, response) => response.writeHead(status).end();
      await assertAbsent(await open(), url());
    });
  }

  const troubles: Readonly<Record<string, readonly [RequestListener, string]>> = {
    'is forbidden': [(_request, response) => response.writeHead(403).end(), 'source_refused'],
    'is away': [(_request, response) => response.writeHead(503).end(), 'source_unavailable'],
    'never answers': [() => undefined, 'source_stalled'],
    'leads to metadata': [
      (_request, response) => response.writeHead(302, { Location: 'http://169.254.169.254/' }).end(),
      'address_blocked',
    ],
  };
  for (const [title, [listener, code]] of Object.entries(troubles)) {
    test(`since it ${title} is store_unavailable to readers, ${code} to who registers it`, async () => {
      handle = listener;
      const store = await open(code === 'source_stalled' ? { answerMs: 20 } : {});
      const told = async (reading: Promise<unknown>, expected: string) => {
        await assert.rejects(reading, (error) => {
          assert.ok(error instanceof Failure);
          assert.equal(error.code, expected);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        });
      };
      await told(store.get(url()), 'store_unavailable');
      await told(store.get(url(), { first: 0, last: 1 }), 'store_unavailable');
      await assert.rejects(store.get(url()), { message: 'Store web cannot read this object now.' });
      await told(store.stat(url()), code);
    });
  }

  test('further is store_unavailable', async () => {
    const bytes = slice(1, 0, 1000);
    handle = (request, response) => serve(request, response, { bytes, cutAfter: 500 });
    await rejectsWith(collect(await (await open()).get(url())), 'store_unavailable');
  });

  test('in parts is cut out of the whole', async () => {
    const bytes = slice(1, 0, 300_000);
    handle = (request, response) => serve(request, response, { bytes });
    const part = await (await open()).get(url(), { first: 200_000, last: 200_009 });
    assert.deepEqual(await collect(part), bytes.subarray(200_000, 200_010));
  });

  test('with its size is told to who registers it', async () => {
    handle = (_request, response) => {
      response.write('a');
      response.end('b');
    };
    const store = await open();
    await rejectsWith(store.stat(url()), 'source_size_unknown');
    assert.equal(String(await collect(await store.get(url()))), 'ab');
  });
});

test('only URLs that the rules allow have a key', async () => {
  const store = await openHttpStore({ ...options, allowedHosts: ['*.example.org'], allowedPorts: [443] });
  assert.equal(store.keyOf?.('https://images.example.org/a?b#c'), 'https://images.example.org/a?b#c');
  for (const url of ['https://example.org/', 'http://images.example.org/', 'https://images.example.org:444/'])
    assert.equal(store.keyOf?.(url), null, url);
  const usual = await openHttpStore({ ...options, allowPrivateAddresses: false });
  for (const url of ['http://127.0.0.1/', 'http://0x7f.1/', 'http://169.254.169.254/'])
    assert.equal(usual.keyOf?.(url), null, url);
});
