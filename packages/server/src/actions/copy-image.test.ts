/** Copies of images between file stores: made by the kernel, holes and all, and of a copy that is what it should be. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../../../../test/support/process.ts';
import { as, startServer, type TestServer } from '../../../../test/support/server.ts';
import { slice } from '../stores/contract/bytes.ts';
import { loadKernel } from '../stores/file/kernel.ts';

const mebi = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'tintype-copy-'));
/** A disk that is mostly a hole. */
const disk = Buffer.concat([slice(1, 0, mebi), Buffer.alloc(10 * mebi), slice(2, 0, mebi)]);

let server: TestServer;
before(async () => {
  const stores = ['one', 'two', 'three'].map((id) => {
    return { id, type: 'file' as const, path: join(folder, id), thin: id === 'one' };
  });
  server = await startServer({ stores });
});
after(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: documents of the API, looked into here and there
async function call(method: string, path: string, body?: object | Uint8Array<ArrayBuffer>): Promise<any> {
  const isData = body instanceof Uint8Array;
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...as('boss', 'admin'),
      'Content-Type': isData ? 'application/octet-stream' : 'application/json',
    },
    body: isData ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

async function upload(): Promise<string> {
  const record = { name: 'disk', disk_format: 'raw', container_format: 'bare' };
  const { id } = await call('POST', '/v2/images', record);
  await call('PUT', `/v2/images/${id}/file`, new Uint8Array(disk));
  return id;
}

/** Message of the task. */
async function copied(id: string, status: string): Promise<string> {
  const task = await until(`the end of a copy of ${id}`, async () => {
    const { tasks } = await call('GET', `/v2/images/${id}/tasks`);
    const copies = tasks.filter(({ type }: { type: string }) => type === 'api_image_import');
    return (
      copies.every((one: { status: string }) => ['success', 'failure'].includes(one.status)) && copies[0]
    );
  });
  assert.equal(task.status, status, task.message);
  return task.message;
}

const fileIn = (store: string, id: string) =>
  join(folder, store, readdirSync(join(folder, store)).find((name) => name.startsWith(id))!);
const roomOf = (path: string) => statSync(path).blocks * 512;
const copyTo = (id: string, store: string) =>
  call('POST', `/v2/images/${id}/import`, { method: { name: 'copy-image' }, stores: [store] });

const withoutKernel = (await loadKernel()) === null ? 'copy_file_range is not to be had here' : false;

test('a copy has the bytes and the holes of what it was made of', { skip: withoutKernel }, async () => {
  const id = await upload();
  await copyTo(id, 'two');
  await copied(id, 'success');
  await call('POST', `/v2/images/${id}/replicas`, { store: 'three' });
  await copied(id, 'success');
  for (const store of ['one', 'two', 'three']) {
    assert.ok(readFileSync(fileIn(store, id)).equals(disk), store);
    assert.ok(roomOf(fileIn(store, id)) < 4 * mebi, store);
    assert.deepEqual(readdirSync(join(folder, store, '.unfinished')), []);
  }
  const { replicas } = await call('GET', `/v2/images/${id}/replicas`);
  const digest = createHash('sha512').update(disk).digest('hex');
  for (const replica of replicas)
    assert.deepEqual([replica.state, replica.os_hash_value], ['active', digest]);
});

test('of a file that was spoilt none is made: another serves, and what is spoilt is recorded', async () => {
  const id = await upload();
  await copyTo(id, 'two');
  await copied(id, 'success');
  const wrong = Buffer.from(disk);
  wrong[100] = wrong[100]! ^ 1;
  writeFileSync(fileIn('one', id), wrong);
  await copyTo(id, 'three');
  await copied(id, 'success');
  assert.ok(readFileSync(fileIn('three', id)).equals(disk));
  await until('the record of a spoilt replica', async () => {
    const { replicas } = await call('GET', `/v2/images/${id}/replicas`);
    return replicas.find(({ store }: { store: string }) => store === 'one').state === 'failed';
  });
});

test('where every file was spoilt the copy fails, and leaves nothing', async () => {
  const id = await upload();
  const wrong = Buffer.from(disk);
  wrong[100] = wrong[100]! ^ 1;
  writeFileSync(fileIn('one', id), wrong);
  await copyTo(id, 'two');
  assert.match(await copied(id, 'failure'), /sha512 of the data/);
  assert.ok(existsSync(join(folder, 'two')));
  for (const place of ['two', 'two/.unfinished'])
    assert.ok(readdirSync(join(folder, place)).every((name) => !name.startsWith(id)));
});
