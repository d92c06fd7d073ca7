/** Copies of an image in other formats: proved to be the same disk, told with what they hold, downloaded by their format. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { filesIn, until } from '../support/process.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { Client, type Json, raw } from './client.ts';
import { importEnd } from './import-client.ts';

const skip = needsOwnServer;
const folder = mkdtempSync(join(tmpdir(), 'tintype-derived-'));
const mebi = 1024 * 1024;
/** With a hole. */
const disk = Buffer.concat([randomBytes(300_032), Buffer.alloc(6 * mebi), randomBytes(212_480)]);
const hex = (algorithm: string, data: Uint8Array) => createHash(algorithm).update(data).digest('hex');

let data: Buffer;
let target: Target;
let member: Client;
let admin: Client;

before(async () => {
  if (skip !== false) return;
  const [from, to] = [join(folder, 'disk.raw'), join(folder, 'disk.qcow2')];
  writeFileSync(from, disk);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', from, to]);
  data = readFileSync(to);
  target = await openTarget({ stores: ['one', 'two'].map((id) => ({ id, type: 'file' as const })) });
  member = new Client(target, 'member');
  admin = new Client(target, 'admin');
});
after(async () => {
  await target?.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = ({ id }: Json) => `/v2/images/${id}/replicas`;
const replicasOf = async (image: Json): Promise<Json[]> => (await member.get(at(image))).json.replicas;
const formatsOf = async (image: Json) =>
  (await replicasOf(image)).map(({ store, disk_format, state }) => `${store} ${disk_format} ${state}`);
const download = (image: Json, query: string, headers = {}) => member.download(image.id, headers, query);

async function active(): Promise<Json> {
  return await member.createActive(data, { disk_format: 'qcow2', container_format: 'bare' });
}

async function derived(image: Json, store: string, disk_format: string): Promise<void> {
  assert.equal((await admin.post(at(image), { store, disk_format })).status, 202);
  const { task } = await importEnd(admin, image.id, 60_000);
  assert.equal(task.status, 'success', task.message);
}

async function filesOf(image: Json, store: string): Promise<string[]> {
  const names = await filesIn(`${target.server!.config.dataDir}/images/${store}`);
  return names.filter((name) => name.startsWith(image.id));
}

test('a copy in another format is made, told with what it holds, and downloaded by it', {
  skip,
}, async () => {
  const image = await active();
  refused(await member.post(at(image), { store: 'two', disk_format: 'raw' }), 'forbidden');
  await derived(image, 'two', 'raw');
  assert.deepEqual(await formatsOf(image), ['one qcow2 active', 'two raw active']);
  const [own, copy] = await replicasOf(image);
  assert.deepEqual([own.size, own.os_hash_value, own.disk_sha256], [data.length, hex('sha512', data), null]);
  const { container_format, size, checksum, os_hash_algo, os_hash_value, disk_sha256 } = copy;
  assert.deepEqual([container_format, size, os_hash_algo], ['bare', disk.length, 'sha512']);
  assert.deepEqual([checksum, os_hash_value], [hex('md5', disk), hex('sha512', disk)]);
  assert.equal(disk_sha256, hex('sha256', disk));
  const shown = (await member.get(`/v2/images/${image.id}`)).json;
  assert.deepEqual([shown.stores, shown.size, shown.disk_format], ['one', data.length, 'qcow2']);
  assert.equal(shown.os_hash_value, hex('sha512', data));

  const answer = await download(image, '?disk_format=raw');
  assert.equal(answer.status, 200);
  assert.ok(answer.body.equals(disk));
  assert.deepEqual([answer.headers['content-md5'], answer.headers['content-length']], [checksum, `${size}`]);
  for (const query of ['', '?disk_format=qcow2', '?disk_format=qcow2&prefer=two']) {
    const other = await download(image, query);
    assert.ok(other.body.equals(data), query);
    assert.notEqual(other.headers.etag, answer.headers.etag);
  }
  const etag = String(answer.headers.etag);
  assert.equal((await download(image, '?disk_format=raw', { 'If-None-Match': etag })).status, 304);
  refused(await download(image, '', { 'If-Match': etag }), 'precondition_failed');
  const part = await download(image, '?disk_format=raw', { Range: 'bytes=-100' });
  assert.equal(part.status, 206);
  assert.ok(part.body.equals(disk.subarray(-100)));
});

test('what is not there in a format is told with what is', { skip }, async () => {
  const image = await active();
  const query = '?disk_format=vmdk';
  refused(await download(image, query), 'format_not_found', /'vmdk', but as: qcow2\./);
  await derived(image, 'one', 'vhd');
  refused(await download(image, query), 'format_not_found', /but as: qcow2, vhd\./);
  refused(await download(image, '?disk_format='), 'format_not_found');
  const queued = await member.create(raw);
  assert.equal((await download(queued, query)).status, 204);
  const stranger = { 'X-Project-Id': 'elsewhere' };
  refused(await download(image, '?disk_format=vhd', stranger), 'image_not_found');
});

test('every format that can be made is the same disk', { skip }, async () => {
  const image = await active();
  await derived(image, 'two', 'vmdk');
  await derived(image, 'two', 'vhd');
  assert.deepEqual(await formatsOf(image), ['one qcow2 active', 'two vmdk active', 'two vhd active']);
  for (const [format, name] of [
    ['vmdk', 'vmdk'],
    ['vhd', 'vpc'],
  ] as const) {
    const answer = await download(image, `?disk_format=${format}`);
    const file = join(folder, `made.${format}`);
    writeFileSync(file, answer.body);
    const words = ['compare', '-f', 'raw', '-F', name, join(folder, 'disk.raw'), file];
    assert.match(execFileSync('qemu-img', words, { encoding: 'utf8' }), /identical/);
    assert.equal(answer.headers['content-md5'], hex('md5', answer.body));
  }
});

test('what cannot be made is refused before anything is begun', { skip }, async () => {
  const image = await active();
  refused(await admin.post(at(image), { store: 'two', disk_format: 'iso' }), 'conversion_failed');
  refused(await admin.post(at(image), { store: 'two', disk_format: '' }), 'bad_request');
  refused(await admin.post(at(image), { store: 'three', disk_format: 'raw' }), 'no_such_store');
  const packed = await member.createActive(Buffer.from('x'), {
    disk_format: 'raw',
    container_format: 'docker',
  });
  refused(await admin.post(at(packed), { store: 'two', disk_format: 'qcow2' }), 'conversion_failed');
  const queued = await member.create(raw);
  refused(await admin.post(at(queued), { store: 'two', disk_format: 'qcow2' }), 'status_conflict');
  await derived(image, 'two', 'raw');
  refused(await admin.post(at(image), { store: 'two', disk_format: 'raw' }), 'replica_exists');
  await derived(image, 'one', 'raw');
  assert.deepEqual(await formatsOf(image), ['one qcow2 active', 'two raw active', 'one raw active']);
  assert.equal((await admin.post(at(image), { store: 'two', disk_format: 'qcow2' })).status, 202);
  await importEnd(admin, image.id);
  assert.equal((await member.get(`/v2/images/${image.id}`)).json.stores, 'one,two');
});

test('it goes alone, or with its image, and its bytes with it', { skip }, async () => {
  const image = await active();
  await derived(image, 'two', 'raw');
  assert.equal((await filesOf(image, 'two')).length, 1);
  refused(await admin.delete(`/v2/stores/two/${image.id}`), 'last_location');
  const [own, copy] = await replicasOf(image);
  refused(await admin.delete(own.self), 'last_location');
  refused(await new Client(target, 'reader').delete(copy.self), 'forbidden');
  assert.equal((await admin.delete(copy.self)).status, 204);
  assert.deepEqual([await formatsOf(image), await filesOf(image, 'two')], [['one qcow2 active'], []]);
  refused(await download(image, '?disk_format=raw'), 'format_not_found');
  await derived(image, 'two', 'raw');
  assert.equal((await member.delete(`/v2/images/${image.id}`)).status, 204);
  assert.deepEqual([await filesOf(image, 'one'), await filesOf(image, 'two')], [[], []]);
});

test('one that is lost is told, and the image is as well as before', { skip }, async () => {
  const image = await active();
  await derived(image, 'two', 'raw');
  const [name] = await filesOf(image, 'two');
  rmSync(`${target.server!.config.dataDir}/images/two/${name}`);
  refused(await download(image, '?disk_format=raw'), 'store_unavailable');
  await until('the loss is recorded', async () => (await formatsOf(image))[1] === 'two raw missing');
  assert.equal((await member.get(at(image))).json.health, 'healthy');
  assert.ok((await download(image, '')).body.equals(data));
});
