/** What an rbd store makes of a cluster that hangs or is killed: clear failures in time, never wrong bytes, and no other work held up. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Value } from 'typebox/value';
import { collect, digest, slice, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import {
  assertAbsent,
  freshKey,
  given,
  rejectsWith,
} from '../../packages/server/src/stores/contract/cases.ts';
import { type RbdStoreOptions, rbdStoreOptions } from '../../packages/server/src/stores/rbd/options.ts';
import { openRbdStore } from '../../packages/server/src/stores/rbd/rbd.ts';
import type { Store } from '../../packages/server/src/stores/store.ts';
import { until } from '../support/process.ts';
import { setFull } from './ceph-room.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;

let ceph: StoreServer;
const opened: Store[] = [];

before(async () => {
  ceph = await startStoreServer('ceph');
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
after(() => ceph.close());

async function open(more: Record<string, unknown> = {}): Promise<Store> {
  const wanted = { id: 'rbd', type: 'rbd', confFile: ceph.fact('CEPH_CONF'), idleTimeout: 3, ...more };
  const store = await openRbdStore(Value.Default(rbdStoreOptions, wanted) as RbdStoreOptions);
  opened.push(store);
  return store;
}

/** Milliseconds: one that was killed waits until those who may have read from it before can do so no more. */
const recoveryMs = 120_000;

/** It serves again. */
async function recovered(store: Store, key: string): Promise<void> {
  const serves = () =>
    store.stat(key).then(
      () => true,
      () => false,
    );
  await until('the cluster', serves, recoveryMs);
}

test('a cluster that hangs is given up by every call, holds up nothing else, and serves again when it is back', async () => {
  const store = await open();
  const key = await given(store, 24 * mebi);
  // What was given up may still be done when the cluster is back.
  const doomed = await given(store, 100);
  const reader = await store.get(key);
  await reader.next();
  await ceph.signal('osd.0', 'SIGSTOP');
  try {
    let areSettled = false;
    const calls = Promise.all([
      rejectsWith(store.put(freshKey(), stream(1, 20 * mebi)), 'store_unavailable'),
      rejectsWith(store.get(key), 'store_unavailable'),
      rejectsWith(store.stat(key), 'store_unavailable'),
      rejectsWith(store.delete(doomed), 'store_unavailable'),
      rejectsWith(store.probe!(), 'store_unavailable'),
      rejectsWith(collect(reader), 'store_unavailable'),
    ]).then(() => {
      areSettled = true;
    });
    // Neither this thread nor those that read files are among those that wait.
    for (let count = 0; count < 20; count += 1) await readFile(import.meta.filename);
    assert.equal(areSettled, false);
    await calls;
  } finally {
    // One that has slept does not trust itself, and there is no other to ask.
    await ceph.signal('osd.0', 'SIGKILL');
    await ceph.up();
  }
  await recovered(store, key);
  assert.ok((await collect(await store.get(key))).equals(slice(1, 0, 24 * mebi)));
});

test('a cluster that is killed while it is written to and read: both fail, and can be made again', async () => {
  const store = await open();
  const [old, key] = [await given(store, 24 * mebi), freshKey()];
  const reader = await store.get(old);
  await reader.next();
  const body = async function* () {
    yield* stream(1, 20 * mebi);
    await ceph.signal('osd.0', 'SIGKILL');
    yield* stream(2, 40 * mebi);
  };
  await rejectsWith(store.put(key, body()), 'store_unavailable');
  await rejectsWith(collect(reader), 'store_unavailable');
  await rejectsWith(store.stat(key), 'store_unavailable');
  await ceph.up();
  await recovered(store, old);
  await assertAbsent(store, key);
  // What was written of it is removed as soon as the cluster takes us for gone.
  await until(
    'the name',
    () =>
      store.delete(key).then(
        () => true,
        () => false,
      ),
    recoveryMs,
  );
  await store.put(key, stream(3, 9 * mebi));
  assert.equal(await digest(await store.get(key)), await digest(stream(3, 9 * mebi)));
});

test('a store opens while its cluster is away, and serves when it is there', async () => {
  await ceph.signal('mon.a', 'SIGKILL');
  const store = await open();
  const key = freshKey();
  assert.equal(store.urlOf!(key), `rbd://${ceph.fact('CEPH_FSID')}/images/${key}/snap`);
  await rejectsWith(store.put(key, stream(1, 10)), 'store_unavailable');
  await rejectsWith(store.probe!(), 'store_unavailable');
  await ceph.up();
  const serves = () =>
    store.probe!().then(
      () => true,
      () => false,
    );
  await until('the cluster', serves, recoveryMs);
  await store.put(key, stream(1, 10));
});

test('a client that the cluster has shut out comes back as another one', async () => {
  const store = await open();
  const key = await given(store, 9 * mebi);
  const reader = await store.get(key);
  await reader.next();
  const status = JSON.parse(await ceph.command('rbd', 'status', `images/${key}`, '--format', 'json'));
  await ceph.command('ceph', 'osd', 'blocklist', 'add', status.watchers[0].address);
  await rejectsWith(collect(reader), 'store_unavailable');
  await recovered(store, key);
  assert.ok((await collect(await store.get(key))).equals(slice(1, 0, 9 * mebi)));
});

test('a pool that is full says so at every moment of an upload, can be deleted from, and is used again', async () => {
  const store = await open();
  const [old, cut] = [await given(store, 9 * mebi), freshKey()];
  const body = async function* () {
    yield* stream(1, 20 * mebi);
    await setFull(ceph, true);
    yield* stream(2, 40 * mebi);
  };
  try {
    await rejectsWith(store.put(cut, body()), 'store_full');
    await rejectsWith(store.put(freshKey(), stream(1, 20 * mebi)), 'store_full');
    await assertAbsent(store, cut);
    assert.ok((await collect(await store.get(old))).equals(slice(1, 0, 9 * mebi)));
    await store.delete(old);
    await assertAbsent(store, old);
    await store.sweep!();
    const names = await ceph.command('rbd', 'ls', 'images');
    assert.ok(!names.includes(old) && !names.includes(cut));
  } finally {
    await setFull(ceph, false);
  }
  await store.put(cut, stream(1, 9 * mebi));
});

test('a server that answers in fits and starts is waited for', async () => {
  const store = await open({ idleTimeout: 6 });
  const key = freshKey();
  const fits = new AbortController();
  const paused = (async () => {
    while (!fits.signal.aborted) {
      await ceph.signal('osd.0', 'SIGSTOP');
      await sleep(700);
      await ceph.signal('osd.0', 'SIGCONT');
      await sleep(50);
    }
  })();
  try {
    await store.put(key, stream(5, 24 * mebi));
    assert.equal(await digest(await store.get(key)), await digest(stream(5, 24 * mebi)));
  } finally {
    fits.abort();
    await paused;
  }
});

test('a key that is changed while data passes ends nothing, and the new one is used', async () => {
  const keyringFile = join(ceph.folder, `rotated-${randomBytes(4).toString('hex')}.keyring`);
  const rights = ['mon', 'profile rbd', 'osd', 'profile rbd pool=images'];
  const rotate = async () => {
    await ceph.command('ceph', 'auth', 'rm', 'client.rotated').catch(() => {});
    await ceph.command('ceph', 'auth', 'get-or-create', 'client.rotated', ...rights, '-o', keyringFile);
    return /key = (\S+)/.exec(await readFile(keyringFile, 'utf8'))![1];
  };
  const first = await rotate();
  const store = await open({ user: 'rotated', keyringFile, idleTimeout: 10 });
  const key = freshKey();
  const body = async function* () {
    yield* stream(1, 20 * mebi);
    assert.notEqual(await rotate(), first);
    yield* stream(2, 20 * mebi);
  };
  await store.put(key, body());
  const reader = await store.get(key);
  await reader.next();
  await rotate();
  await collect(reader);
  const again = await open({ user: 'rotated', keyringFile, idleTimeout: 10 });
  assert.deepEqual(await again.stat(key), { size: 40 * mebi });
  await ceph.command('ceph', 'auth', 'rm', 'client.rotated');
});

test('an upload fills no more memory than it may, however large it is', async () => {
  const store = await open({ idleTimeout: 30 });
  const chunk = Buffer.alloc(256 * 1024, 1);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const watched = async function* () {
    for (let count = 0; count < 1200; count += 1) {
      yield chunk;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
  };
  await store.put(freshKey(), watched());
  assert.ok(most < 64 * mebi, `${Math.round(most / mebi)} MiB`);
});
