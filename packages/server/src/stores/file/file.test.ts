/** The file store keeps the contract, and survives full disks, planted links, lost mounts and killed writers. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { slice, stream } from '../contract/bytes.ts';
import { assertAbsent, given, listedKeys, rejectsWith } from '../contract/cases.ts';
import { storeContract } from '../store.contract.ts';
import type { Store } from '../store.ts';
import { openFileStore } from './file.ts';

const mebi = 1024 * 1024;
const root = mkdtempSync(join(tmpdir(), 'tintype-file-store-'));
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function freshPath(): string {
  folders += 1;
  return join(root, `store-${folders}`);
}

function openAt(path: string): Promise<Store> {
  return openFileStore({ id: 'disk', type: 'file', path });
}

function unfinished(path: string): string[] {
  return readdirSync(join(path, '.unfinished'));
}

storeContract('file', () => openAt(freshPath()));

describe('the folder of a file store', () => {
  test('is for its owner and group only, and so are the files', async () => {
    const path = freshPath();
    const key = await given(await openAt(path), 1);
    assert.equal(statSync(path).mode & 0o777, 0o750 & ~process.umask());
    assert.equal(statSync(join(path, key)).mode & 0o777, 0o640 & ~process.umask());
  });

  test('tells which file an object is', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const key = await given(store, 1000);
    assert.equal(await store.fileOf!(key), join(path, key));
    assert.deepEqual(readFileSync(await store.fileOf!(key)), slice(1, 0, 1000));
    await rejectsWith(store.fileOf!('../secret'), 'not_found');
  });

  test('keeps nothing of a put that ended, well or badly', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const key = await given(store, 2 * mebi);
    await rejectsWith(store.put(key, stream(1, mebi)), 'image_exists');
    assert.deepEqual(unfinished(path), []);
    assert.deepEqual(readdirSync(path).toSorted(), ['.unfinished', key]);
  });

  test('that is a file, or whose subfolder is a link elsewhere, is refused', async () => {
    const [file, linked] = [freshPath(), freshPath()];
    writeFileSync(file, '');
    await rejectsWith(openAt(file), 'store_unavailable');
    mkdirSync(linked);
    symlinkSync(root, join(linked, '.unfinished'));
    await rejectsWith(openAt(linked), 'store_unavailable');
  });

  test('that is lost makes the store unavailable, not empty', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const key = await given(store, 1);
    rmSync(path, { recursive: true });
    mkdirSync(path);
    await rejectsWith(store.get(key), 'store_unavailable');
    await rejectsWith(store.stat(key), 'store_unavailable');
    await rejectsWith(store.delete(key), 'store_unavailable');
    await rejectsWith(store.put(key, stream(1, 1)), 'store_unavailable');
    await rejectsWith(listedKeys(store), 'store_unavailable');
  });
});

test('a folder that is lost while bytes are written is told', async () => {
  const path = freshPath();
  const store = await openAt(path);
  const body = async function* () {
    yield* stream(1, mebi);
    rmSync(path, { recursive: true });
    mkdirSync(path);
  };
  await rejectsWith(store.put('lost', body()), 'store_unavailable');
  assert.deepEqual(readdirSync(path), []);
});

describe('what was planted in the folder', () => {
  test('a link is neither followed nor listed nor overwritten', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const secret = join(root, 'secret.txt');
    writeFileSync(secret, 'secret');
    symlinkSync(secret, join(path, 'planted'));
    await assertAbsent(store, 'planted');
    await rejectsWith(store.put('planted', stream(1, 10)), 'image_exists');
    await store.delete('planted');
    assert.equal(readFileSync(secret, 'utf8'), 'secret');
    await store.put('planted', stream(1, 10));
  });

  test('a folder or a pipe is no object', async () => {
    const path = freshPath();
    const store = await openAt(path);
    mkdirSync(join(path, 'folder'));
    execFileSync('mkfifo', [join(path, 'pipe')]);
    await assertAbsent(store, 'folder');
    await assertAbsent(store, 'pipe');
  });

  test('an object that was shortened is told, not passed off as whole', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const key = await given(store, 4 * mebi);
    const reader = await store.get(key);
    await reader.next();
    truncateSync(join(path, key), mebi);
    const drain = async () => {
      for await (const chunk of reader) assert.ok(chunk.length > 0);
    };
    await rejectsWith(drain(), 'store_unavailable');
  });
});

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const noMounts = isRoot ? false : 'mounting a small file system needs root';

describe('a file system', { skip: noMounts }, () => {
  async function onTmpfs(check: (store: Store, path: string) => Promise<void>): Promise<void> {
    const path = freshPath();
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path]);
    try {
      await check(await openAt(path), path);
    } finally {
      execFileSync('umount', [path]);
    }
  }

  test('that fills up is told as store_full, and nothing is left', async () => {
    await onTmpfs(async (store, path) => {
      const before = await store.capacity!();
      await rejectsWith(store.put('large', stream(1, 8 * mebi)), 'store_full');
      await assertAbsent(store, 'large');
      assert.deepEqual(unfinished(path), []);
      assert.deepEqual(await store.capacity!(), before);
      await store.put('small', stream(1, mebi));
    });
  });

  test('that became read-only refuses writes but still serves', async () => {
    await onTmpfs(async (store, path) => {
      const key = await given(store, mebi);
      execFileSync('mount', ['-o', 'remount,ro', path]);
      await rejectsWith(store.put('more', stream(1, 1)), 'store_unavailable');
      await rejectsWith(store.delete(key), 'store_unavailable');
      const again = await openAt(path);
      assert.deepEqual(await again.stat(key), { size: mebi });
    });
  });
});

/** A child that puts 64 KiB chunks under `key` for ever, or until `limit` bytes; tells when 4 MiB are in. */
function writingChild(path: string, command: string[] = []): ChildProcess {
  const code = `
    import { openFileStore } from ${JSON.stringify(import.meta.resolve('./file.ts'))};
    const store = await openFileStore({ id: 'disk', type: 'file', path: ${JSON.stringify(path)} });
    async function* body() {
      for (let count = 0; count < 10_000; count += 1) {
        if (count === 64) console.log('writing');
        if (count > 64) await new Promise((resolve) => setTimeout(resolve, 5));
        yield Buffer.alloc(65536, 1);
      }
    }
    try {
      await store.put('killed', body());
    } catch (error) {
      console.log(error.code);
    }`;
  const [program, ...rest] = [...command, process.execPath, '--input-type=module', '--eval', code];
  return spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
}

describe('a writer', () => {
  test('killed in the middle of a put leaves nothing listed, and a sweep removes its bytes', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const child = writingChild(path);
    await once(child.stdout!, 'data');
    assert.equal(unfinished(path).length, 1);
    assert.equal(await store.sweep!(), 0, 'a living writer is left alone');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    await assertAbsent(store, 'killed');
    assert.equal(unfinished(path).length, 1);
    assert.equal(await store.sweep!(), 1);
    assert.deepEqual(unfinished(path), []);
    await store.put('killed', stream(1, 10));
  });

  const prlimit = spawnable('prlimit') ? false : 'needs prlimit';
  test('that reaches its file size limit is told store_full, and nothing is left', {
    skip: prlimit,
  }, async () => {
    const path = freshPath();
    const child = writingChild(path, ['prlimit', `--fsize=${mebi}`]);
    let said = '';
    child.stdout!.on('data', (data) => {
      said += data;
    });
    await once(child, 'close');
    assert.match(said, /store_full/);
    assert.deepEqual(unfinished(path), []);
  });

  test('of another host is left alone for a day', async () => {
    const path = freshPath();
    const store = await openAt(path);
    const day = 24 * 60 * 60;
    const now = Date.now() / 1000;
    for (const [name, age] of [
      ['0123456789ab.01234567.1.1.1', day - 60],
      ['0123456789ab.01234567.1.1.2', day + 60],
      ['unknown', day - 60],
      ['unknown-too', day + 60],
    ] as const) {
      writeFileSync(join(path, '.unfinished', name), 'x');
      utimesSync(join(path, '.unfinished', name), now - age, now - age);
    }
    assert.equal(await store.sweep!(), 2);
    assert.deepEqual(unfinished(path).toSorted(), ['0123456789ab.01234567.1.1.1', 'unknown']);
  });
});

function spawnable(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('bytes that slice and stream make are the same', async () => {
  const parts: Buffer[] = [];
  for await (const chunk of stream(9, 200_000, 999)) parts.push(Buffer.from(chunk));
  assert.ok(Buffer.concat(parts).equals(slice(9, 0, 200_000)));
});
