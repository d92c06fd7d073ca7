/** Imports into stores that want different formats: what the image is then, what each store has, and what is left of a failure. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openLab, remoteImage, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { as } from '../../../../test/support/server.ts';
import { serve } from '../../../../test/support/web-source.ts';

const mebi = 1024 * 1024;
const digestOf = (algorithm: string, data: Uint8Array) => createHash(algorithm).update(data).digest('hex');
/** With a hole. */
const disk = Buffer.concat([randomBytes(300_032), Buffer.alloc(8 * mebi), randomBytes(212_480)]);
const diskDigest = digestOf('sha256', disk);

function madeBy(...options: string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'tintype-kept-'));
  try {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    writeFileSync(from, disk);
    execFileSync('qemu-img', ['convert', '-f', 'raw', ...options, from, to]);
    return readFileSync(to);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const qcow2 = madeBy('-O', 'qcow2', '-c');
const both = { stores: ['one', 'two'] };

let lab: ServerLab;
before(async () => {
  lab = await openLab(undefined, {
    importing: { injectProperties: { seen: 'yes' } },
    stores: { two: { convertTo: 'raw' } },
  });
});
after(() => lab?.close());

async function told(image: string) {
  const { tasks } = await lab.call('GET', `/v2/images/${image}/tasks`);
  const [task] = tasks as { status: string; message: string; result: Record<string, unknown> }[];
  return { image, task: task!, record: await lab.freeImage(image), kept: await replicasOf(image) };
}

async function replicasOf(image: string): Promise<string[]> {
  const { replicas } = await lab.call('GET', `/v2/images/${image}/replicas`);
  return (replicas as { store: string; disk_format: string; state: string }[])
    .map(({ store, disk_format, state }) => `${store} ${disk_format} ${state}`)
    .sort();
}

async function staged(data: Uint8Array, to: object, more: object = {}) {
  const image = await lab.stagedImage(data, { disk_format: 'qcow2', ...more });
  const flow = await lab.ended(await lab.startImport(image, 'glance-direct', to));
  return { flow, ...(await told(image)) };
}

async function bytesOf(image: string, query = ''): Promise<string> {
  const answer = await fetch(`${lab.app.url}/v2/images/${image}/file${query}`, {
    headers: as('boss', 'admin'),
  });
  return digestOf('sha256', Buffer.from(await answer.arrayBuffer()));
}

describe('a qcow2', () => {
  test('stays one in the default store, and the store that wants raw has the same disk as raw', async () => {
    const { image, task, record, kept } = await staged(qcow2, both);
    assert.equal(task.status, 'success', task.message);
    assert.deepEqual([record.status, record.disk_format, record.size], ['active', 'qcow2', qcow2.length]);
    assert.deepEqual([record.stores, kept], ['one', ['one qcow2 active', 'two raw active']]);
    assert.equal(task.message, `Imported ${qcow2.length} bytes, converted from qcow2 to raw for two`);
    assert.equal(task.result.disk_sha256, diskDigest);
    assert.equal(await bytesOf(image), digestOf('sha256', qcow2));
    assert.equal(await bytesOf(image, '?disk_format=raw'), diskDigest);
    await lab.tidy();
  });

  test('that goes to this store alone becomes raw, from wherever it comes', async () => {
    const uri = `${lab.web.url}/d.qcow2`;
    lab.answer = (request, response) => serve(request, response, { bytes: qcow2 });
    const here = await staged(qcow2, { stores: ['two'] });
    const image = await lab.createImage({ disk_format: 'qcow2' });
    await lab.ended(await lab.startImport(image, 'web-download', { stores: ['two'] }, uri));
    for (const { record, kept, task } of [here, await told(image)]) {
      assert.equal(task.status, 'success', task.message);
      assert.deepEqual([record.disk_format, record.os_hash_value], ['raw', digestOf('sha512', disk)]);
      assert.deepEqual([record.stores, kept], ['two', ['two raw active']]);
    }
    await lab.tidy();
  });

  test('of which an image is to be made does both, too', async () => {
    lab.answer = (request, response) => serve(request, response, { bytes: qcow2 });
    const { id, self } = await lab.call('POST', '/v2/image-imports', {
      location: `${lab.web.url}/d`,
      image_properties: { name: 'x' },
      stores: ['two', 'one'],
    });
    await lab.ended(id as string);
    const { status, image_ref } = await lab.call('GET', self as string);
    assert.equal(status, 'success');
    const image = (image_ref as string).replace('/v2/images/', '');
    assert.equal((await lab.freeImage(image)).disk_format, 'qcow2');
    assert.deepEqual(await replicasOf(image), ['one qcow2 active', 'two raw active']);
    await lab.tidy();
  });
});

describe('what cannot be raw goes to every store as it is:', () => {
  const cases: Readonly<Record<string, readonly [Uint8Array, object, string]>> = {
    'a disk that is raw already': [disk, { disk_format: 'raw' }, 'raw'],
    'a packed container': [gzipSync(disk), { container_format: 'compressed', disk_format: 'raw' }, 'raw'],
    'what is no disk': [Buffer.alloc(2048), { container_format: 'docker', disk_format: 'raw' }, 'raw'],
  };
  for (const [name, [data, more, format]] of Object.entries(cases))
    test(name, async () => {
      const { image, task, record, kept } = await staged(data, both, more);
      assert.equal(task.status, 'success', task.message);
      assert.deepEqual([record.stores, kept], ['one,two', [`one ${format} active`, `two ${format} active`]]);
      assert.equal(await bytesOf(image, '?prefer=two'), digestOf('sha256', data));
      await lab.tidy();
    });

  test('an image without data', async () => {
    const { record } = await staged(new Uint8Array(), both, { disk_format: 'raw' });
    assert.deepEqual([record.status, record.size], ['active', 0]);
  });
});

describe('a disk that cannot be converted, since it was cut,', () => {
  const cut = madeBy('-O', 'qcow2').subarray(0, 400_000);

  test('leaves nothing where every store must have it', async () => {
    const { flow, record, kept } = await staged(cut, both);
    assert.equal(flow.failure?.code, 'conversion_failed');
    assert.equal(flow.failure?.step, 'convert:raw');
    assert.deepEqual([record.status, record.size, kept], ['queued', null, []]);
    assert.equal(record.os_glance_failed_import, 'one,two');
    await lab.tidy();
  });

  test('is in the stores that take it as it is where some may fail', async () => {
    const { task, record, kept } = await staged(cut, { ...both, all_stores_must_succeed: false });
    assert.equal(task.status, 'success', task.message);
    assert.deepEqual([record.status, record.stores, kept], ['active', 'one', ['one qcow2 active']]);
    assert.equal(record.os_glance_failed_import, 'two');
    assert.equal(task.message, `Imported ${cut.length} bytes`);
    await lab.tidy();
  });
});

describe('an image of another region', () => {
  const record = {
    ...remoteImage,
    ...{ disk_format: 'qcow2', size: qcow2.length, os_hash_value: digestOf('sha512', qcow2) },
  };

  async function taken(there: object, to: object) {
    lab.answer = (request, response) => {
      if (request.url === `/v2/images/${remoteImage.id}`) response.end(JSON.stringify(there));
      else serve(request, response, { bytes: qcow2 });
    };
    // Its formats are those that it has there, whatever was declared.
    const image = await lab.createImage();
    const source = { glance_region: 'Elsewhere', glance_image_id: remoteImage.id };
    const flow = await lab.ended(await lab.startImport(image, 'glance-download', to, source));
    return { flow, ...(await told(image)) };
  }

  test('becomes raw in the store that wants it so, with what was copied of its record', async () => {
    const { task, record: here, kept } = await taken(record, { stores: ['two'] });
    assert.equal(task.status, 'success', task.message);
    assert.deepEqual([here.disk_format, here.size, here.hw_cpu_cores], ['raw', disk.length, '4']);
    assert.equal(here.os_hash_value, digestOf('sha512', disk));
    assert.deepEqual(kept, ['two raw active']);
    await lab.tidy();
  });

  test('keeps its format in the default store', async () => {
    const { task, record: here, kept } = await taken(record, both);
    assert.equal(task.status, 'success', task.message);
    assert.deepEqual([here.disk_format, here.os_hash_value], ['qcow2', record.os_hash_value]);
    assert.deepEqual(kept, ['one qcow2 active', 'two raw active']);
    await lab.tidy();
  });

  test('is not converted when its data is not what its record says', async () => {
    const other = { ...record, os_hash_value: 'a'.repeat(128) };
    const { flow, record: here } = await taken(other, { stores: ['two'] });
    assert.deepEqual([flow.failure?.code, flow.failure?.step], ['digest_mismatch', 'verify']);
    assert.deepEqual([here.status, here.disk_format], ['queued', 'raw']);
    await lab.tidy();
  });

  test('gets the operator’s properties when no administrator takes it', async () => {
    lab.answer = (request, response) => {
      if (request.url === `/v2/images/${remoteImage.id}`) response.end(JSON.stringify(record));
      else serve(request, response, { bytes: qcow2 });
    };
    const member = as('alice', 'member');
    const ask = async (method: string, path: string, body?: object) =>
      await lab.ask(method, path, body, member);
    const created = { name: 'x', disk_format: 'raw', container_format: 'bare' };
    const id = (await ask('POST', '/v2/images', created)).body.id as string;
    const method = { name: 'glance-download', glance_region: 'Elsewhere', glance_image_id: remoteImage.id };
    assert.equal((await ask('POST', `/v2/images/${id}/import`, { method })).status, 202);
    const { tasks } = await lab.call('GET', `/v2/images/${id}/tasks`);
    await lab.ended((tasks as { id: string }[])[0]!.id);
    const { seen, hw_cpu_cores } = await lab.freeImage(id);
    assert.deepEqual([seen, hw_cpu_cores], ['yes', '4']);
  });
});
