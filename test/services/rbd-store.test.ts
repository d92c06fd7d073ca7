/** The rbd store on a real Ceph cluster: what a store promises, and what Ceph's own tools see of it. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Value } from 'typebox/value';
import { collect, digest, slice, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import {
  assertAbsent,
  freshKey,
  given,
  listedKeys,
  rejectsWith,
} from '../../packages/server/src/stores/contract/cases.ts';
import { type RbdStoreOptions, rbdStoreOptions } from '../../packages/server/src/stores/rbd/options.ts';
import { openRbdStore } from '../../packages/server/src/stores/rbd/rbd.ts';
import { storeContract } from '../../packages/server/src/stores/store.contract.ts';
import type { Store } from '../../packages/server/src/stores/store.ts';
import { until } from '../support/process.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const run = promisify(execFile);
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

function options(more: Record<string, unknown> = {}): RbdStoreOptions {
  const wanted = { id: 'rbd', type: 'rbd', confFile: ceph.fact('CEPH_CONF'), ...more };
  return Value.Default(rbdStoreOptions, wanted) as RbdStoreOptions;
}

/** Looks at what it could not remove again at once. */
async function open(more: Record<string, unknown> = {}): Promise<Store> {
  const store = await openRbdStore(options(more), { firstRestMs: 0, longestRestMs: 0 });
  opened.push(store);
  return store;
}

/** As the administrator of the cluster. */
const rbd = (...args: string[]) => ceph.command('rbd', ...args);
// biome-ignore lint/suspicious/noExplicitAny: what rbd tells, looked into here and there
const told = async (...args: string[]): Promise<any> => JSON.parse(await rbd(...args, '--format', 'json'));

/** What `rbd export` writes. */
async function exported(name: string): Promise<string> {
  const env = { ...process.env, CEPH_CONF: ceph.fact('CEPH_CONF') };
  const child = spawn('rbd', ['export', '--no-progress', name, '-'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return await digest(child.stdout);
}

async function trashed(): Promise<string[]> {
  return (await told('trash', 'ls', 'images')).map(({ name }: { name: string }) => name);
}

/** The room of what was deleted comes back in the background. */
async function emptied(store: Store, key: string): Promise<void> {
  await until(`the room of ${key}`, async () => {
    await store.sweep!();
    return !(await trashed()).includes(key);
  });
}

storeContract('rbd', async () => {
  const store = await openRbdStore(options());
  // So that all its threads are there: each has descriptors of its own.
  await Promise.all(Array.from({ length: 50 }, () => store.probe!()));
  return store;
});
describe('for the tools of Ceph', () => {
  test('an object is an image with a protected snapshot, of the same bytes', async () => {
    const store = await open();
    const key = freshKey();
    const size = 21 * mebi + 513;
    await store.put(key, stream(9, size));
    const info = await told('info', `images/${key}@snap`);
    assert.deepEqual([info.size, info.order, info.protected], [size, 23, 'true']);
    assert.equal(await exported(`images/${key}@snap`), await digest(stream(9, size)));
    await rejectsWith(store.put(key, stream(1, 10)), 'image_exists');
  });

  test('objects may be small, and one thread is enough', async () => {
    const store = await open({ objectSize: 1, threads: 1, writesAtOnce: 16 });
    const key = freshKey();
    await store.put(key, stream(4, 12 * mebi + 1));
    assert.equal((await told('info', `images/${key}@snap`)).order, 20);
    const both = await Promise.all([store.get(key), store.get(key)]);
    const expected = await digest(stream(4, 12 * mebi + 1));
    assert.deepEqual(await Promise.all(both.map(digest)), [expected, expected]);
  });

  test('zeros take no room, unless they shall', async () => {
    const holes = async function* () {
      for (const filled of [true, false, false, true, false]) {
        for (let count = 0; count < 8; count += 1) {
          const chunk = Buffer.alloc(mebi);
          if (filled && count === 3) slice(1, 0, 1000).copy(chunk, 5);
          yield chunk;
        }
      }
      yield Buffer.alloc(100);
    };
    const [thin, thick] = [await open(), await open({ id: 'thick', thin: false })];
    const [one, other] = [freshKey(), freshKey()];
    const size = 40 * mebi + 100;
    assert.deepEqual(await thin.put(one, holes()), { size });
    assert.deepEqual(await thick.put(other, holes()), { size });
    const room = async (key: string) => {
      const objects = await ceph.command('rados', '-p', 'images', 'ls');
      const { block_name_prefix: prefix } = await told('info', `images/${key}`);
      return objects.split('\n').filter((name) => name.startsWith(`${prefix}.`)).length;
    };
    assert.deepEqual([await room(one), await room(other)], [2, 6]);
    const expected = await digest(holes());
    for (const [store, key] of [
      [thin, one],
      [thick, other],
    ] as const) {
      assert.equal(await digest(await store.get(key)), expected);
      assert.equal(await exported(`images/${key}@snap`), expected);
    }
  });

  test('an image grows with its data, and has exactly its size in the end', async () => {
    const store = await open();
    const key = freshKey();
    const zeros = Buffer.alloc(4 * mebi);
    const long = async function* () {
      for (let count = 0; count < 600; count += 1) yield zeros;
      yield Buffer.from('the end');
    };
    const size = 2400 * mebi + 7;
    assert.deepEqual(await store.put(key, long()), { size });
    assert.equal((await told('info', `images/${key}@snap`)).size, size);
    const end = { first: size - 10, last: size - 1 };
    assert.equal((await collect(await store.get(key, end))).toString(), '\0\0\0the end');
  });
});

describe('an image that was cloned', () => {
  for (const format of ['1', '2']) {
    test(`in format ${format}: it is in use, and its data stays as long as the clone`, async () => {
      await ceph.command('ceph', 'osd', 'set-require-min-compat-client', 'mimic');
      const [store, deferring] = [await open(), await open({ id: 'other', whenCloned: 'defer' })];
      const key = await given(store, 9 * mebi);
      assert.equal(await store.isInUse!(key), false);
      assert.equal((await told('info', `images/${key}@snap`)).protected, 'true');
      const clone = `volumes/${freshKey()}`;
      const volumes = ['--id', 'volumes', `--rbd-default-clone-format=${format}`];
      await rbd(...volumes, 'clone', `images/${key}@snap`, clone);
      assert.equal(await store.isInUse!(key), true);
      assert.equal(await deferring.isInUse!(key), false);
      await deferring.delete(key);
      await assertAbsent(store, key);
      await deferring.sweep!();
      assert.ok((await trashed()).includes(key));
      assert.equal(await exported(clone), await digest(stream(1, 9 * mebi)));
      await rbd('rm', '--no-progress', clone);
      await emptied(store, key);
    });
  }

  test('one that is not there is not in use', async () => {
    assert.equal(await (await open()).isInUse!(freshKey()), false);
  });
});

describe('what was deleted', () => {
  test('keeps its data for those who read it in other processes', async () => {
    const [reading, deleting] = [await open(), await open()];
    const key = await given(reading, 20 * mebi);
    const reader = await reading.get(key);
    const head = Buffer.from((await reader.next()).value!);
    await deleting.delete(key);
    await assertAbsent(reading, key);
    await deleting.sweep!();
    assert.ok((await trashed()).includes(key));
    const bytes = Buffer.concat([head, await collect(reader)]);
    assert.ok(bytes.equals(slice(1, 0, 20 * mebi)));
    await emptied(deleting, key);
  });

  test('by others stays in the trash', async () => {
    const store = await open();
    const key = freshKey();
    await rbd('create', '--size', '1M', `images/${key}`);
    await rbd('trash', 'mv', `images/${key}`);
    await store.sweep!();
    await store.sweep!();
    assert.ok((await trashed()).includes(key));
  });

  test('half-written, is gone like the rest', async () => {
    const store = await open();
    const key = freshKey();
    await rbd('create', '--size', '1M', `images/${key}`);
    await rejectsWith(store.get(key), 'not_found');
    assert.ok(!(await listedKeys(store)).includes(key));
    await rejectsWith(store.put(key, stream(1, 10)), 'image_exists');
    await store.delete(key);
    await emptied(store, key);
    assert.ok(!(await told('ls', 'images')).includes(key));
  });
});

test('the URL names the cluster, the pool, the image and the snapshot, and no other is taken', async () => {
  const store = await open();
  const fsid = ceph.fact('CEPH_FSID');
  const url = `rbd://${fsid}/images/key/snap`;
  assert.equal(store.urlOf!('key'), url);
  assert.equal(store.keyOf!(url), 'key');
  const elsewhere = '00000000-1111-2222-3333-444444444444';
  for (const other of [
    `rbd://${elsewhere}/images/key/snap`,
    `rbd://${fsid}/volumes/key/snap`,
    `rbd://${fsid}/images/key`,
    `rbd://${fsid}/images/key/other`,
    `rbd://${fsid}/images/a/b/snap`,
    `rbd://${fsid}/images//snap`,
    `rbd://${fsid}/images/../volumes/key/snap`,
    'rbd://key',
    `${url}?x`,
  ])
    assert.equal(store.keyOf!(other), null, other);
  assert.deepEqual(store.properties, {
    fsid,
    pool: 'images',
    chunk_size: 8 * mebi,
    thin_provisioning: true,
  });
});

test('settings that cannot work keep the store from opening, and say why', async () => {
  const noKey = join(ceph.folder, `no-${randomBytes(4).toString('hex')}.keyring`);
  writeFileSync(noKey, '');
  for (const [wrong, sentence] of [
    [{ pool: 'nowhere' }, /pool nowhere cannot be used by images \(rados_ioctx_create: ENOENT\)/],
    [{ user: 'nobody' }, /cannot be used by nobody/],
    [{ keyringFile: noKey }, /cannot be used by images/],
    [{ confFile: '/nowhere/ceph.conf' }, /rados_conf_read_file: ENOENT/],
  ] as const)
    await assert.rejects(openRbdStore(options({ idleTimeout: 5, ...wrong })), {
      code: 'store_unavailable',
      message: sentence,
    });
});

const isRoot = process.getuid?.() === 0;

test('where a client library is missing no store opens, and it says what to install', {
  skip: isRoot ? false : 'hiding a library needs root',
}, async () => {
  const { stdout } = await run('/sbin/ldconfig', ['-p']);
  const libraries = Array.from(
    stdout.matchAll(/\blib(?:rados\.so\.2|rbd\.so\.1) .*=> (.+)$/gm),
    ([, at]) => at!,
  );
  assert.ok(libraries.length >= 2, 'the libraries are installed');
  const code = `
    import { openRbdStore } from ${JSON.stringify(import.meta.resolve('../../packages/server/src/stores/rbd/rbd.ts'))};
    await openRbdStore(${JSON.stringify(options())}).catch(({ code, message }) => console.log(code, message));`;
  for (const library of libraries) {
    const hidden = 'mount --bind /dev/null "$0" && exec "$@"';
    const node = [process.execPath, '--input-type=module', '--eval', code];
    const told = await run('unshare', ['--mount', 'sh', '-c', hidden, library, ...node]);
    assert.match(told.stdout, /^store_unavailable Store rbd: librados\.so\.2 or librbd\.so\.1 is missing/);
    assert.match(told.stdout, /install the client libraries of Ceph \(Debian: librados2, librbd1\)/);
  }
});
