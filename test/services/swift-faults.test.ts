/** What a swift store makes of servers that are killed, hang, crawl, are full or lie, and of tokens that run out. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { collect, digest, slice, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import { assertAbsent, given, rejectsWith } from '../../packages/server/src/stores/contract/cases.ts';
import type { Store } from '../../packages/server/src/stores/store.ts';
import { type SwiftStoreOptions, swiftStoreOptions } from '../../packages/server/src/stores/swift/options.ts';
import { openSwiftStore } from '../../packages/server/src/stores/swift/swift.ts';
import { until } from '../support/process.ts';
import { type FaultyProxy, type Judge, startFaultyProxy } from './faulty-proxy.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';
import { limitContainer } from './swift-account.ts';

const mebi = 1024 * 1024;

let server: StoreServer;
let proxy: FaultyProxy;
const opened: Store[] = [];

before(async () => {
  server = await startStoreServer('swift');
  proxy = await startFaultyProxy(new URL(server.fact('SWIFT_AUTH_URL')).origin);
});
afterEach(async () => {
  proxy.judge = null;
  for (const store of opened.splice(0)) await store.close();
});
after(async () => {
  await proxy.close();
  await server.close();
});

function optionsOf(more: Record<string, unknown> = {}): SwiftStoreOptions {
  const options = {
    id: 'swift',
    type: 'swift',
    authVersion: 'v1',
    authUrl: server.fact('SWIFT_AUTH_URL'),
    user: server.fact('SWIFT_USER'),
    key: server.fact('SWIFT_KEY'),
    container: `images-${randomBytes(6).toString('hex')}`,
    segmentSize: 4,
    idleTimeout: 2,
    ...more,
  };
  return Value.Default(swiftStoreOptions, options) as SwiftStoreOptions;
}

/** Impatient, and sweeping whatever is unfinished. */
async function open(more: Record<string, unknown> = {}): Promise<Store> {
  const store = await openSwiftStore(optionsOf(more), { abandonedMs: -60_000, everyMs: 0 });
  opened.push(store);
  return store;
}

async function throughProxy(more: Record<string, unknown> = {}): Promise<Store> {
  const { pathname } = new URL(server.fact('SWIFT_STORAGE_URL'));
  return await open({ storageUrl: `${proxy.url}${pathname}`, ...more });
}

/** The nth request of this kind, counted from 1. */
function nth(kind: RegExp, wanted: number, fault: ReturnType<Judge>): Judge {
  let seen = 0;
  return (request) => {
    if (!kind.test(`${request.method} ${request.url}`)) return null;
    seen += 1;
    return seen === wanted ? fault : null;
  };
}

const always =
  (kind: RegExp, fault: ReturnType<Judge>): Judge =>
  (request) =>
    kind.test(`${request.method} ${request.url}`) ? fault : null;

const segments = /^PUT .*_segments\/./;
const manifests = /^PUT .*multipart-manifest=put/;
const reads = /^GET [^?]*$/;

/** `size` bytes, and `then` after the first `at` of them. */
async function* meanwhile(size: number, at: number, then: () => Promise<void>): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of stream(1, size)) {
    yield chunk;
    seen += chunk.length;
    if (seen >= at && seen - chunk.length < at) await then();
  }
}

/** A segment that was on its way when the upload failed may arrive when the others were removed already. */
async function assertNothingLeft(store: Store): Promise<void> {
  await store.sweep!();
  assert.equal(await store.sweep!(), 0, 'segments are left');
}

describe('a server that is killed', () => {
  test('while it is written to: the upload fails, and nothing is left once it is back', async () => {
    const store = await open();
    const body = meanwhile(40 * mebi, 17 * mebi, () => server.signal('proxy', 'SIGKILL'));
    await rejectsWith(store.put('killed', body), 'store_unavailable');
    const calls = [
      () => store.stat('killed'),
      () => store.get('killed'),
      () => store.delete('killed'),
      () => store.probe!(),
    ];
    for (const call of calls) await rejectsWith(call(), 'store_unavailable');
    const later = await open();
    await rejectsWith(later.put('killed', stream(1, 10)), 'store_unavailable');
    await server.up();
    await later.put('made-later', stream(1, 10));
    await assertNothingLeft(store);
    await assertAbsent(store, 'killed');
  });

  test('while it is read: the bytes go on when it is back', async () => {
    const store = await open({ idleTimeout: 30 });
    const key = await given(store, 48 * mebi);
    const reader = await store.get(key);
    const restarting = async function* () {
      let seen = 0;
      for await (const chunk of reader) {
        yield chunk;
        seen += chunk.length;
        if (seen < mebi || seen - chunk.length >= mebi) continue;
        await server.signal('proxy', 'SIGKILL');
        await server.up();
      }
    };
    assert.equal(await digest(restarting()), await digest(stream(1, 48 * mebi)));
  });

  test('in part: objects cannot be reached, and that is told', async () => {
    const store = await open({ idleTimeout: 20 });
    const key = await given(store, 10);
    await server.signal('object', 'SIGKILL');
    try {
      await rejectsWith(store.get(key), 'store_unavailable');
      await rejectsWith(store.put('more', stream(1, 10)), 'store_unavailable');
    } finally {
      await server.up();
    }
    assert.deepEqual(await collect(await store.get(key)), slice(1, 0, 10));
  });
});

describe('a server that hangs', () => {
  test('is given up by every call, and used again when it wakes', async () => {
    const store = await open();
    const key = await given(store, 48 * mebi);
    const reader = await store.get(key);
    await reader.next();
    await server.signal('proxy', 'SIGSTOP');
    try {
      await Promise.all([
        rejectsWith(store.put('hung', stream(1, 20 * mebi)), 'store_unavailable'),
        rejectsWith(store.get(key), 'store_unavailable'),
        rejectsWith(store.stat(key), 'store_unavailable'),
        rejectsWith(store.delete(key), 'store_unavailable'),
        rejectsWith(collect(reader), 'store_unavailable'),
      ]);
    } finally {
      await server.signal('proxy', 'SIGCONT');
    }
    await assertAbsent(store, 'hung');
  });

  test('in the middle of an upload: its segments are taken back', async () => {
    const store = await throughProxy();
    proxy.judge = nth(segments, 3, { hang: true });
    await rejectsWith(store.put('hung', stream(1, 30 * mebi)), 'store_unavailable');
    await assertAbsent(store, 'hung');
    await assertNothingLeft(store);
  });

  test('in the middle of an answer: the rest is asked for', async () => {
    const store = await throughProxy();
    const key = await given(store, 10 * mebi);
    proxy.judge = nth(reads, 1, { silentAfter: mebi });
    assert.ok((await collect(await store.get(key))).equals(slice(1, 0, 10 * mebi)));
  });

  test('while its segments are taken back: the sweep does it later', async () => {
    const store = await throughProxy();
    proxy.judge = (request) => {
      if (request.method === 'DELETE') return { status: 503 };
      return manifests.test(`${request.method} ${request.url}`) ? { status: 403 } : null;
    };
    await rejectsWith(store.put('later', stream(1, 10 * mebi)), 'store_unavailable');
    proxy.judge = null;
    let removed = 0;
    await until('the removal', async () => {
      removed += await store.sweep!();
      return removed > 0;
    });
    await assertNothingLeft(store);
  });
});

test('a server that is slow is waited for as long as something moves', async () => {
  // What fits into the system's buffers is gone at once, and then nothing is seen to move for a while.
  const store = await throughProxy({ idleTimeout: 4, segmentSize: 32 });
  proxy.judge = always(/^(PUT|GET) /, { rate: 4 * mebi });
  assert.deepEqual(await store.put('slow', stream(1, 24 * mebi)), { size: 24 * mebi });
  assert.equal(await digest(await store.get('slow')), await digest(stream(1, 24 * mebi)));
});

describe('passing troubles', () => {
  for (const [title, kind, fault] of [
    ['a segment', segments, { status: 503 }],
    ['the answer to a segment', segments, { loseAnswer: true }],
    ['the manifest', manifests, { status: 500 }],
    ['the answer to the manifest', manifests, { loseAnswer: true }],
    ['a token that is refused at a segment', segments, { status: 401 }],
    ['a token that is refused at the manifest', manifests, { status: 401 }],
  ] as const) {
    test(`with ${title}: it is repeated`, async () => {
      const store = await throughProxy();
      proxy.judge = nth(kind, 1, fault);
      await store.put('repeated', stream(1, 12 * mebi));
      assert.equal(await digest(await store.get('repeated')), await digest(stream(1, 12 * mebi)));
    });
  }

  test('with the answer to an object in one piece: it is not taken for another’s', async () => {
    const store = await throughProxy();
    proxy.judge = nth(/^PUT .*repeated/, 1, { loseAnswer: true });
    await store.put('repeated', stream(1, 1000));
    assert.deepEqual(await collect(await store.get('repeated')), slice(1, 0, 1000));
  });

  test('that cut every answer: the bytes come all the same, and only once', async () => {
    const store = await throughProxy();
    const key = await given(store, 6 * mebi);
    proxy.judge = always(reads, { cutAfter: 1.5 * mebi });
    assert.ok((await collect(await store.get(key))).equals(slice(1, 0, 6 * mebi)));
    const range = { first: 100, last: 5 * mebi };
    assert.ok((await collect(await store.get(key, range))).equals(slice(1, 100, 5 * mebi + 1)));
  });
});

describe('a server that lies', () => {
  test('about a segment it has taken: the upload fails, nothing is left', async () => {
    const store = await throughProxy();
    proxy.judge = nth(segments, 2, { headers: { etag: '00000000000000000000000000000000' } });
    await rejectsWith(store.put('lied', stream(1, 12 * mebi)), 'store_unavailable');
    proxy.judge = null;
    await assertAbsent(store, 'lied');
    await assertNothingLeft(store);
  });

  test('about how much it has kept: the upload fails, nothing is left', async () => {
    const store = await throughProxy();
    proxy.judge = nth(/^HEAD .*lied/, 2, { headers: { 'content-length': '999' } });
    await rejectsWith(store.put('lied', stream(1, 1000)), 'store_unavailable');
    await assertAbsent(store, 'lied');
  });

  test('and gives another object from the middle on: no byte of it is passed on', async () => {
    const store = await throughProxy();
    const key = await given(store, 6 * mebi);
    proxy.judge = nth(reads, 1, { cutAfter: mebi });
    const reader = await store.get(key);
    const first = await reader.next();
    const seen = [Buffer.from(first.value!)];
    await store.delete(key);
    await store.put(key, stream(2, 6 * mebi));
    const drain = async () => {
      for await (const chunk of reader) seen.push(Buffer.from(chunk));
    };
    await rejectsWith(drain(), 'store_unavailable');
    const got = Buffer.concat(seen);
    assert.ok(got.equals(slice(1, 0, got.length)), 'bytes of the other object');
  });
});

test('a container that is full says so, and nothing is left', async () => {
  const options = optionsOf();
  const store = await open(options);
  await limitContainer(server, options.container, 1000);
  await limitContainer(server, `${options.container}_segments`, 10 * mebi);
  await rejectsWith(store.put('small', stream(1, 2000)), 'store_full');
  await rejectsWith(store.put('large', stream(1, 40 * mebi)), 'store_full');
  await assertAbsent(store, 'small');
  await assertAbsent(store, 'large');
  await assertNothingLeft(store);
});

test('what a killed process has sent is found by a sweep, and what an object is made of is not', async () => {
  const options = optionsOf();
  const store = await open(options);
  const key = await given(store, 10 * mebi);
  const dying = await openSwiftStore(options);
  const never = Promise.withResolvers<void>();
  const sent = Promise.withResolvers<void>();
  const silent = async function* () {
    yield* stream(1, 14 * mebi);
    sent.resolve();
    await never.promise;
  };
  const lost = dying.put('killed', silent()).catch(() => {});
  await sent.promise;
  let removed = 0;
  for (let round = 0; removed === 0 && round < 500; round += 1) {
    removed = await store.sweep!();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(removed, 1);
  assert.equal(await digest(await store.get(key)), await digest(stream(1, 10 * mebi)));
  never.resolve();
  await lost;
  await dying.close();
});
