/** Imports whose data is unpacked and converted on its way: what the image is then, and what is refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Answer, openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { until } from '../../../../test/support/process.ts';
import { as } from '../../../../test/support/server.ts';
import { serve } from '../../../../test/support/web-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-refined-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const mebi = 1024 * 1024;
const digestOf = (algorithm: string, data: Uint8Array) => createHash(algorithm).update(data).digest('hex');
/** A disk with a hole. */
const disk = Buffer.concat([randomBytes(300_032), Buffer.alloc(40 * mebi), randomBytes(212_480)]);

function madeBy(format: string, options: readonly string[] = [], data: Uint8Array = disk): Buffer {
  const [raw, made] = [join(folder, 'disk.raw'), join(folder, `disk.${format}`)];
  writeFileSync(raw, data);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, raw, made]);
  return readFileSync(made);
}

function emptyQcow2(size: string): Buffer {
  const path = join(folder, 'empty.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, size]);
  return readFileSync(path);
}

let lab: ServerLab;
before(async () => {
  const injectProperties = { imported: 'yes' };
  const importing = { decompress: true, convertTo: 'raw', injectProperties };
  lab = await openLab(undefined, { importing });
});
after(() => lab?.close());

async function importing(data: Uint8Array, more: object) {
  const image = await lab.stagedImage(data, more);
  const flow = await lab.ended(await lab.startImport(image, 'glance-direct', { stores: ['one', 'two'] }));
  return { image, flow, ...(await told(image)) };
}

async function told(image: string) {
  const { tasks } = await lab.call('GET', `/v2/images/${image}/tasks`);
  const task = (tasks as { status: string; message: string; result: Record<string, unknown> }[])[0]!;
  return { task, record: await lab.freeImage(image) };
}

async function requireRaw(image: string, record: Record<string, unknown>): Promise<void> {
  assert.deepEqual(
    [record.status, record.disk_format, record.container_format, record.size, record.virtual_size],
    ['active', 'raw', 'bare', disk.length, disk.length],
  );
  assert.equal(record.os_hash_value, digestOf('sha512', disk));
  assert.equal(record.min_disk, 1);
  assert.deepEqual(await lab.storesOf(image), ['one', 'two']);
  const answer = await fetch(`${lab.app.url}/v2/images/${image}/file`, { headers: as('boss', 'admin') });
  assert.equal(digestOf('sha256', Buffer.from(await answer.arrayBuffer())), digestOf('sha256', disk));
}

async function requireNothing(image: string, record: Record<string, unknown>): Promise<void> {
  assert.deepEqual([record.status, record.size, record.disk_format], ['queued', null, 'qcow2']);
  assert.deepEqual(await lab.storesOf(image), []);
  await until('an empty staging area', async () =>
    (await lab.stagedFiles()).every((name) => !name.includes(image)),
  );
}

describe('what arrives', () => {
  test('as a compressed qcow2 in gzip becomes the raw disk that it is', async () => {
    const data = gzipSync(madeBy('qcow2', ['-c']));
    const { image, flow, task, record } = await importing(data, { disk_format: 'qcow2' });
    assert.equal(flow.state, 'success', JSON.stringify(flow.failure));
    await requireRaw(image, record);
    assert.equal(
      task.message,
      `Imported ${disk.length} bytes, unpacked from gzip, converted from qcow2 to raw`,
    );
    assert.equal(task.result.disk_sha256, digestOf('sha256', disk));
    assert.equal(record.imported, undefined);
    await lab.tidy();
  });

  test('from a URL in many parts is converted, too', async () => {
    const large = Buffer.concat([randomBytes(18 * mebi), disk]);
    const data = madeBy('qcow2', [], large);
    lab.answer = (request, response) => serve(request, response, { bytes: data, headers: { ETag: '"q"' } });
    const image = await lab.createImage({ disk_format: 'qcow2' });
    const stores = { stores: ['one'] };
    const flow = await lab.ended(
      await lab.startImport(image, 'web-download', stores, `${lab.web.url}/d.qcow2`),
    );
    assert.equal(flow.state, 'success', JSON.stringify(flow.failure));
    const { record } = await told(image);
    assert.deepEqual([record.disk_format, record.os_hash_value], ['raw', digestOf('sha512', large)]);
    await lab.tidy();
  });

  test('as it is wanted stays as it is', async () => {
    const { record, task } = await importing(disk, {});
    assert.deepEqual([record.disk_format, record.min_disk], ['raw', 0]);
    assert.equal(record.os_hash_value, digestOf('sha512', disk));
    assert.equal(task.message, `Imported ${disk.length} bytes`);
  });

  test('in a container that is declared as compressed stays packed', async () => {
    const data = gzipSync(disk);
    const { record } = await importing(data, { container_format: 'compressed' });
    assert.deepEqual(
      [record.container_format, record.os_hash_value],
      ['compressed', digestOf('sha512', data)],
    );
  });

  test('empty is no disk to convert', async () => {
    const { record } = await importing(new Uint8Array(), {});
    assert.deepEqual([record.status, record.size], ['active', 0]);
  });
});

describe('a project that is not the administrators’', () => {
  const member = async (method: string, path: string, body?: object | Uint8Array): Promise<Answer> => {
    const isData = body instanceof Uint8Array;
    const answer = await fetch(`${lab.app.url}${path}`, {
      method,
      headers: {
        ...as('alice', 'member'),
        'Content-Type': isData ? 'application/octet-stream' : 'application/json',
      },
      body: body === undefined || isData ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
  };

  test('finds the operator’s properties on what it imports', async () => {
    const record = { name: 'x', disk_format: 'raw', container_format: 'bare', own: 'kept', imported: 'no' };
    const { id } = (await member('POST', '/v2/images', record)).body;
    await member('PUT', `/v2/images/${id}/stage`, disk);
    const order = { method: { name: 'glance-direct' }, stores: ['one'] };
    assert.equal((await member('POST', `/v2/images/${id}/import`, order)).status, 202);
    const image = await until('the end', async () => {
      const { body } = await member('GET', `/v2/images/${id}`);
      return body.status === 'active' && body;
    });
    assert.deepEqual([image.imported, image.own], ['yes', 'kept']);
  });
});

describe('an import that brings its image about', () => {
  async function imported(data: Buffer, more: object = {}) {
    lab.answer = (request, response) => serve(request, response, { bytes: data });
    const { id, self } = await lab.call('POST', '/v2/image-imports', {
      location: `${lab.web.url}/d`,
      image_properties: { name: 'x' },
      stores: ['one', 'two'],
      ...more,
    });
    await lab.ended(id as string);
    return await lab.call('GET', self as string);
  }

  test('finds out what is in something packed, and makes of it what the operator wants', async () => {
    const data = gzipSync(madeBy('qcow2', ['-c']));
    const expected = { algorithm: 'sha256', value: digestOf('sha256', data) };
    const { status, message, image_ref } = await imported(data, { expected, size: data.length });
    assert.deepEqual(
      [status, message],
      ['success', `Imported ${disk.length} bytes, unpacked from gzip, converted from qcow2 to raw`],
    );
    const image = (image_ref as string).replace('/v2/images/', '');
    await requireRaw(image, await lab.freeImage(image));
    await lab.tidy();
  });

  test('of a packed disk that is raw gives that disk', async () => {
    const { status, image_ref } = await imported(gzipSync(disk));
    assert.equal(status, 'success');
    const { disk_format, size } = await lab.freeImage((image_ref as string).replace('/v2/images/', ''));
    assert.deepEqual([disk_format, size], ['raw', disk.length]);
  });

  const film = Buffer.concat([Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom'), randomBytes(4096)]);
  const refusals: Readonly<Record<string, readonly [Buffer, object, RegExp]>> = {
    'a film in gzip': [gzipSync(film), {}, /no disk image: it looks like .*MP4/],
    'another disk than declared': [
      gzipSync(madeBy('vmdk')),
      { disk_format: 'qcow2' },
      /declared as qcow2, but this looks like a vmdk/,
    ],
    'a packed disk with another digest': [
      gzipSync(disk),
      { expected: { algorithm: 'sha256', value: '0'.repeat(64) } },
      /sha256/,
    ],
  };
  for (const [name, [data, more, message]] of Object.entries(refusals))
    test(`refuses ${name}`, async () => {
      const told = await imported(data, more);
      assert.equal(told.status, 'failure');
      assert.match(told.message as string, message);
      await lab.tidy();
    });
});

describe('what is refused leaves nothing, and its reason is told:', () => {
  const backing = () => {
    const made = madeBy('qcow2');
    made.writeBigUInt64BE(512n, 8);
    made.writeUInt32BE(11, 16);
    made.write('/etc/passwd', 512);
    return made;
  };
  const cases: Readonly<Record<string, readonly [() => Buffer, string, RegExp]>> = {
    'a backing file': [backing, 'unsafe_image', /names a backing file/],
    'a backing file in gzip': [() => gzipSync(backing()), 'unsafe_image', /inside the gzip.*backing file/],
    'gzip that is cut': [
      () => gzipSync(madeBy('qcow2')).subarray(0, -9),
      'format_mismatch',
      /gzip data is broken or cut/,
    ],
    'another format in gzip': [
      () => gzipSync(madeBy('vmdk')),
      'format_mismatch',
      /declared as qcow2, but this looks like a vmdk/,
    ],
    'a bomb': [
      () => gzipSync(Buffer.concat([emptyQcow2('1M'), Buffer.alloc(200 * mebi)])),
      'unpack_cap',
      /More than \d+ bytes come of the image/,
    ],
    'a qcow2 in a qcow2': [
      () => madeBy('qcow2', [], madeBy('qcow2', [], randomBytes(512))),
      'format_mismatch',
      /declared as raw, but this looks like a qcow2/,
    ],
    'a qcow2 that is cut': [
      () => madeBy('qcow2').subarray(0, 400_000),
      'conversion_failed',
      /^The qcow2 image is damaged or cut/,
    ],
    'a disk that no quota has room for': [() => emptyQcow2('1200M'), 'quota_exceeded', /image_size_total/],
  };
  for (const [name, [data, code, message]] of Object.entries(cases)) {
    test(name, async () => {
      const { image, flow, task, record } = await importing(data(), { disk_format: 'qcow2' });
      assert.deepEqual([flow.state, flow.failure?.code], ['failed', code], flow.failure?.message);
      assert.match(task.message, message);
      await requireNothing(image, record);
    });
  }
});
