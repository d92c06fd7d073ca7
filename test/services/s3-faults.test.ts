/** What an s3 store makes of servers that are killed, hang, crawl, are full or lie: clear failures, and never wrong bytes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { Failure } from '../../packages/server/src/base/failure.ts';
import { collect, digest, slice, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import { assertAbsent, given, rejectsWith } from '../../packages/server/src/stores/contract/cases.ts';
import { type S3StoreOptions, s3StoreOptions } from '../../packages/server/src/stores/s3/options.ts';
import { openS3Store } from '../../packages/server/src/stores/s3/s3.ts';
import type { Store } from '../../packages/server/src/stores/store.ts';
import { type FaultyProxy, type Judge, startFaultyProxy } from './faulty-proxy.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;

let server: StoreServer;
let proxy: FaultyProxy;
const opened: Store[] = [];

before(async () => {
  server = await startStoreServer('s3');
  proxy = await startFaultyProxy(server.fact('S3_ENDPOINT'));
});
afterEach(async () => {
  proxy.judge = null;
  for (const store of opened.splice(0)) await store.close();
});
after(async () => {
  await proxy.close();
  await server.close();
});

/** Straight to the server, impatient, and sweeping whatever is unfinished. */
async function open(more: Record<string, unknown> = {}): Promise<Store> {
  const options = {
    id: 's3',
    type: 's3',
    endpoint: server.fact('S3_ENDPOINT'),
    bucket: server.fact('S3_BUCKET'),
    prefix: `${randomBytes(6).toString('hex')}/`,
    accessKey: server.fact('S3_ACCESS_KEY'),
    secretKey: server.fact('S3_SECRET_KEY'),
    partSize: 5,
    idleTimeout: 2,
    ...more,
  };
  const store = await openS3Store(Value.Default(s3StoreOptions, options) as S3StoreOptions, {
    abandonedMs: -60_000,
    everyMs: 0,
  });
  opened.push(store);
  return store;
}

const throughProxy = (more: Record<string, unknown> = {}) => open({ endpoint: proxy.url, ...more });

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

const parts = /^PUT .*partNumber=/i;
const reads = /^GET .*x-id=GetObject/;

/** `size` bytes, and `then` after the first `at` of them. */
async function* meanwhile(size: number, at: number, then: () => Promise<void>): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const chunk of stream(1, size)) {
    yield chunk;
    seen += chunk.length;
    if (seen >= at && seen - chunk.length < at) await then();
  }
}

describe('a server that is killed', () => {
  test('while it is written to: the upload fails, and nothing is left once it is back', async () => {
    const store = await open();
    const body = meanwhile(40 * mebi, 17 * mebi, () => server.signal('rgw', 'SIGKILL'));
    await rejectsWith(store.put('killed', body), 'store_unavailable');
    await rejectsWith(store.stat('killed'), 'store_unavailable');
    await rejectsWith(store.get('killed'), 'store_unavailable');
    await rejectsWith(store.delete('killed'), 'store_unavailable');
    await rejectsWith(store.probe!(), 'store_unavailable');
    const later = await open();
    await server.up();
    await later.probe!();
    await store.sweep!();
    assert.equal(await store.sweep!(), 0, 'parts are left');
    await assertAbsent(store, 'killed');
    await store.put('killed', stream(2, 1000));
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
        await server.signal('rgw', 'SIGKILL');
        await server.up();
      }
    };
    assert.equal(await digest(restarting()), await digest(stream(1, 48 * mebi)));
  });

  test('while it is read, for good: the reader is told', async () => {
    const store = await open();
    const reader = await store.get(await given(store, 48 * mebi));
    await reader.next();
    await server.signal('rgw', 'SIGKILL');
    await rejectsWith(collect(reader), 'store_unavailable');
    await server.up();
  });
});

describe('a server that hangs', () => {
  test('is given up by every call, and used again when it wakes', async () => {
    const store = await open();
    const key = await given(store, 48 * mebi);
    const reader = await store.get(key);
    await reader.next();
    await server.signal('rgw', 'SIGSTOP');
    try {
      await Promise.all([
        rejectsWith(store.put('hung', stream(1, 20 * mebi)), 'store_unavailable'),
        rejectsWith(store.get(key), 'store_unavailable'),
        rejectsWith(store.stat(key), 'store_unavailable'),
        rejectsWith(store.delete(key), 'store_unavailable'),
        rejectsWith(collect(reader), 'store_unavailable'),
      ]);
    } finally {
      await server.signal('rgw', 'SIGCONT');
    }
    await assertAbsent(store, 'hung');
  });

  test('in the middle of an upload: parts and all are taken back', async () => {
    const store = await throughProxy();
    proxy.judge = nth(parts, 3, { hang: true });
    await rejectsWith(store.put('hung', stream(1, 30 * mebi)), 'store_unavailable');
    await assertAbsent(store, 'hung');
    assert.equal(await store.sweep!(), 0, 'parts are left');
  });

  test('in the middle of an answer: the rest is asked for', async () => {
    const store = await throughProxy();
    const key = await given(store, 4 * mebi);
    proxy.judge = nth(reads, 1, { silentAfter: mebi });
    assert.ok((await collect(await store.get(key))).equals(slice(1, 0, 4 * mebi)));
  });

  test('while its uploads are taken back: the sweep does it later', async () => {
    const store = await throughProxy();
    proxy.judge = (request) => {
      if (request.method === 'DELETE') return { status: 503 };
      return parts.test(`${request.method} ${request.url}`) ? { status: 403 } : null;
    };
    await rejectsWith(store.put('later', stream(1, 10 * mebi)), 'store_unavailable');
    proxy.judge = null;
    assert.equal(await store.sweep!(), 1);
    assert.equal(await store.sweep!(), 0);
  });
});

describe('a server that is slow', () => {
  test('is waited for as long as something moves', async () => {
    // What fits into the system's buffers is gone at once, and then nothing is seen to move for a while.
    const store = await throughProxy({ idleTimeout: 4, partSize: 32 });
    proxy.judge = always(/^(PUT|GET) /, { rate: 4 * mebi });
    assert.deepEqual(await store.put('slow', stream(1, 24 * mebi)), { size: 24 * mebi });
    assert.equal(await digest(await store.get('slow')), await digest(stream(1, 24 * mebi)));
  });

  test('fills no more memory than a fast one', async () => {
    const store = await open({ partSize: 8, idleTimeout: 30 });
    const chunk = Buffer.alloc(256 * 1024, 1);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watched = async function* () {
      for (let count = 0; count < 768; count += 1) {
        yield chunk;
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
    };
    await store.put('large', watched());
    assert.ok(most < 80 * mebi, `${Math.round(most / mebi)} MiB`);
    await store.delete('large');
  });
});

describe('a server with passing troubles', () => {
  for (const [title, kind, fault] of [
    ['a part', parts, { status: 503 }],
    ['the answer to a part', parts, { loseAnswer: true }],
    ['the begin', /^POST .*uploads/, { status: 500 }],
    ['the end', /^POST .*uploadId=/i, { status: 503 }],
    ['the answer to the end', /^POST .*uploadId=/i, { loseAnswer: true }],
  ] as const) {
    test(`at ${title} of an upload: it is repeated`, async () => {
      const store = await throughProxy();
      proxy.judge = nth(kind, 1, fault);
      await store.put('repeated', stream(1, 12 * mebi));
      assert.equal(await digest(await store.get('repeated')), await digest(stream(1, 12 * mebi)));
    });
  }

  test('at an upload in one piece, whose answer is lost: it is not taken for another’s object', async () => {
    const store = await throughProxy();
    proxy.judge = nth(/^PUT /, 1, { loseAnswer: true });
    await store.put('repeated', stream(1, 1000));
    assert.deepEqual(await collect(await store.get('repeated')), slice(1, 0, 1000));
  });

  test('that cuts every answer: the bytes come all the same, and only once', async () => {
    const store = await throughProxy();
    const key = await given(store, 5 * mebi);
    proxy.judge = always(reads, { cutAfter: 1.5 * mebi });
    assert.ok((await collect(await store.get(key))).equals(slice(1, 0, 5 * mebi)));
    const range = { first: 100, last: 4 * mebi };
    assert.ok((await collect(await store.get(key, range))).equals(slice(1, 100, 4 * mebi + 1)));
  });

  test('that cuts every answer at once: the reader is told', async () => {
    const store = await throughProxy();
    const key = await given(store, mebi);
    proxy.judge = always(reads, { cutAfter: 100 });
    await rejectsWith(collect(await store.get(key)), 'store_unavailable');
  });
});

describe('a server that lies', () => {
  test('about a part it has taken: the upload fails, nothing is left', async () => {
    const store = await throughProxy();
    proxy.judge = nth(parts, 2, { headers: { etag: '"00000000000000000000000000000000"' } });
    await rejectsWith(store.put('lied', stream(1, 12 * mebi)), 'store_unavailable');
    proxy.judge = null;
    await assertAbsent(store, 'lied');
    assert.equal(await store.sweep!(), 0, 'parts are left');
  });

  test('about what it has taken in one piece: the upload fails, nothing is left', async () => {
    const store = await throughProxy();
    proxy.judge = nth(/^PUT /, 1, { headers: { etag: '"00000000000000000000000000000000"' } });
    await rejectsWith(store.put('lied', stream(1, 1000)), 'store_unavailable');
    await assertAbsent(store, 'lied');
  });

  test('about how much it has kept: the upload fails, nothing is left', async () => {
    const store = await throughProxy();
    proxy.judge = nth(/^HEAD .*lied/, 2, { headers: { 'content-length': '999' } });
    await rejectsWith(store.put('lied', stream(1, 1000)), 'store_unavailable');
    await assertAbsent(store, 'lied');
  });

  test('and gives another object from the middle on: no byte of it is passed on', async () => {
    const store = await throughProxy();
    const key = await given(store, 4 * mebi);
    proxy.judge = nth(reads, 1, { cutAfter: mebi });
    const reader = await store.get(key);
    const first = await reader.next();
    const seen = [Buffer.from(first.value!)];
    await store.delete(key);
    await store.put(key, stream(2, 4 * mebi));
    const drain = async () => {
      for await (const chunk of reader) seen.push(Buffer.from(chunk));
    };
    await rejectsWith(drain(), 'store_unavailable');
    const got = Buffer.concat(seen);
    assert.ok(got.equals(slice(1, 0, got.length)), 'bytes of the other object');
  });
});

test('a store that is full says so, and nothing is left', async () => {
  const store = await open();
  const bucket = ['--bucket', server.fact('S3_BUCKET'), '--uid', 'images'];
  await server.command('radosgw-admin', 'quota', 'set', '--quota-scope=bucket', ...bucket, '--max-size=1M');
  await server.command('radosgw-admin', 'quota', 'enable', '--quota-scope=bucket', ...bucket);
  try {
    await rejectsWith(store.put('large', stream(1, 20 * mebi)), 'store_full');
    await rejectsWith(store.put('small', stream(1, 3 * mebi)), 'store_full');
  } finally {
    await server.command('radosgw-admin', 'quota', 'disable', '--quota-scope=bucket', ...bucket);
  }
  await assertAbsent(store, 'large');
  await assertAbsent(store, 'small');
  assert.equal(await store.sweep!(), 0, 'parts are left');
});

describe('credentials', () => {
  const file = () => join(server.folder, 'credentials');
  const write = (accessKey: string, secretKey: string) =>
    writeFileSync(
      file(),
      `[other]\naws_access_key_id = x\n[default]\naws_access_key_id = ${accessKey}\naws_secret_access_key = ${secretKey}\n`,
    );
  const fromFile = () => ({ accessKey: null, secretKey: null, credentialsFile: file() });
  const keys = async (...args: string[]) =>
    await server.command('radosgw-admin', 'key', ...args, '--uid=images', '--key-type=s3');

  test('that are rotated during an upload and a download do not end them', async () => {
    await keys('create', '--access-key=first', '--secret-key=first-secret');
    write('first', 'first-secret');
    const store = await open(fromFile());
    const key = await given(store, 20 * mebi);
    await keys('create', '--access-key=second', '--secret-key=second-secret');
    const rotate = async () => {
      write('second', 'second-secret');
      await keys('rm', '--access-key=first');
    };
    assert.equal((await store.put('rotated', meanwhile(40 * mebi, 22 * mebi, rotate))).size, 40 * mebi);
    assert.equal(await digest(await store.get(key)), await digest(stream(1, 20 * mebi)));
    await keys('rm', '--access-key=second');
  });

  for (const [title, more] of [
    ['with a wrong secret', { secretKey: 'wrong-secret-key' }],
    ['of nobody', { accessKey: 'nobody' }],
    ['of somebody else', { accessKey: 'other-access-key' }],
  ] as const) {
    test(`${title} keep the store from opening, and are not told`, async () => {
      await assert.rejects(open(more), (error) => {
        assert.ok(error instanceof Failure && error.code === 'store_unavailable');
        assert.match(error.message, /Store s3: bucket images cannot be used/);
        const text =
          JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error.cause as Error).stack);
        assert.ok(!text.includes(server.fact('S3_SECRET_KEY')) && !text.includes('wrong-secret-key'));
        return true;
      });
    });
  }

  test('without their other half are refused', async () => {
    await rejectsWith(open({ secretKey: null }), 'bad_request');
  });
});

test('a bucket that is not there keeps the store from opening; a server that is away does not', async () => {
  await rejectsWith(open({ bucket: 'nowhere' }), 'store_unavailable');
  const other = await startFaultyProxy(server.fact('S3_ENDPOINT'));
  await other.close();
  const store = await open({ endpoint: other.url });
  await rejectsWith(store.stat('x'), 'store_unavailable');
});

test('a process that is killed during an upload leaves nothing that a sweep does not find', async () => {
  const store = await open({ prefix: 'killed/' });
  const options = { prefix: 'killed/', partSize: 5, idleTimeout: 30, weight: 0, description: null };
  const code = `
    import { Value } from ${JSON.stringify(import.meta.resolve('typebox/value'))};
    import { s3StoreOptions } from ${JSON.stringify(import.meta.resolve('../../packages/server/src/stores/s3/options.ts'))};
    import { openS3Store } from ${JSON.stringify(import.meta.resolve('../../packages/server/src/stores/s3/s3.ts'))};
    const options = JSON.parse(process.env.OPTIONS);
    const store = await openS3Store(Value.Default(s3StoreOptions, options));
    async function* body() {
      for (let count = 0; ; count += 1) {
        // Four parts are under way at most: one of them is there when a fifth is full.
        if (count === 26) console.log('writing');
        if (count > 26) await new Promise(() => setTimeout(() => {}, 60_000));
        yield Buffer.alloc(1024 * 1024, 1);
      }
    }
    await store.put('killed', body());`;
  const keys = { accessKey: server.fact('S3_ACCESS_KEY'), secretKey: server.fact('S3_SECRET_KEY') };
  const place = {
    id: 's3',
    type: 's3',
    endpoint: server.fact('S3_ENDPOINT'),
    bucket: server.fact('S3_BUCKET'),
  };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OPTIONS: JSON.stringify({ ...place, ...keys, ...options }) },
  });
  await once(child.stdout!, 'data');
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  await assertAbsent(store, 'killed');
  assert.equal(await store.sweep!(), 1);
  assert.equal(await store.sweep!(), 0);
});
