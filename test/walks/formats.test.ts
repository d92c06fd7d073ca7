/** An operator has imports unpacked and made raw; a user sends one image of each format, and one of each kind that must not pass. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { type Sample, Samples } from '../formats/samples.ts';
import { until } from '../support/process.ts';
import { curlTo } from './support/curl.ts';
import { walk } from './support/packages.ts';
import { ourselves, type Person } from './support/person.ts';
import { run } from './support/run.ts';
import { startWalkServer, type WalkServer } from './support/walk-server.ts';

/** One good image of each format that can be declared. */
const good = [
  ...[
    'qcow2-compressed.qcow2',
    'qcow2-zstd.qcow2',
    'vmdk-streamOptimized.vmdk',
    'vhd-dynamic.vhd',
    'vhd-fixed.vhd',
  ],
  ...[
    'vhdx-dynamic.vhdx',
    'vdi-dynamic.vdi',
    'ploop-v2.hds',
    'iso-9660.iso',
    'udf-only.iso',
    'gpt.img',
    'mbr.img',
  ],
  ...[
    'fs-ntfs.img',
    'kernel-bzimage',
    'initrd.gz',
    'fs-ext.img',
    'luks1.img',
    'ova.ova',
    'ovf.xml',
    'docker-save.tar',
    'gzip.gz',
    'xz.xz',
    'zstd.zst',
    'bzip2.bz2',
    'zip.zip',
    'lha.lzh',
  ],
];

/** Of these the disks, besides qcow2. */
const disks = [
  'vmdk-streamOptimized.vmdk',
  'vhd-fixed.vhd',
  'vhdx-dynamic.vhdx',
  'vdi-dynamic.vdi',
  'ploop-v2.hds',
];

/** One of each family that must not pass, and what the user is told. */
const evil: Readonly<Record<string, RegExp>> = {
  'qcow2-backing-absolute.qcow2': /names a backing file/,
  'qcow2-data-file-etc.qcow2': /names an external data file/,
  'qcow2-size-2-63.qcow2': /qcow2/,
  'qcow1.qcow': /obsolete/,
  'qed.qed': /obsolete/,
  'vmdk-text-absolute.vmdk': /keeps its data in other files/,
  'vmdk-header-flat-case.vmdk': /VMDK header has capacity 0/,
  'vmdk-parent-absolute.vmdk': /parent/,
  'vmdk-footer-capacity.vmdk': /header and footer claim different sizes/,
  'vhd-differencing.vhd': /difference to a parent/,
  'vhdx-parent.vhdx': /parent/,
  'vdi-differencing.vdi': /vdi/i,
  'iso-size-huge.iso': /iso/i,
  'ploop-size-huge.hds': /ploop header claims/,
  'luks1-detached.img': /payload of its LUKS header is elsewhere/,
  'poly-iso-qcow2.iso': /at once/,
  'poly-tar-iso.ova': /iso and tar at once/,
  'ova-xxe.ova': /document type or an entity/,
  'ova-symlink.ova': /is a link/,
  'ova-bad-digest.ova': /another digest than its manifest says/,
  'gzip-evil-qcow2.gz': /inside the gzip.*backing file/,
  'zip-dotdot.zip': /reaches outside/,
  'lha-dotdot.lzh': /reaches outside/,
};

/** What only a conversion shows: what comes out, and how much. */
const evilInside: Readonly<Record<string, RegExp>> = {
  'qcow2-inside-qcow2.qcow2': /names a backing file/,
  'qcow2-expansion-bomb.qcow2': /More than \d+ bytes come of the image/,
};

walk('formats', ['curl', 'qemu-utils', 'genisoimage'], () => {
  let person: Person;
  let server: WalkServer;
  const samples = new Samples();
  const curl = curlTo(
    () => server.url,
    () => server.token,
  );
  const sampleOf = (file: string) => {
    const found = samples.all.find((sample) => sample.file === file);
    assert.ok(found, file);
    return found;
  };
  const pathOf = ({ file }: Pick<Sample, 'file'>) => path.join(samples.folder, file);

  before(async () => {
    person = await ourselves();
    const importing = { TINTYPE_IMPORT_DECOMPRESS: 'true', TINTYPE_IMPORT_CONVERT_TO: 'raw' };
    const dataDir = path.join(person.folder, 'data');
    const operator = { ...person, env: { ...person.env, ...importing } };
    server = await startWalkServer({
      command: ['npm', 'start', '--'],
      dataDir,
      mode: 'tokens',
      person: operator,
    });
  });
  after(async () => {
    await server?.stop();
    samples.remove();
    await person?.leave();
  });

  // Encrypted as a whole, a disk is declared as raw: the API has no name for it.
  const create = ({ file, disk_format: named, container_format }: Sample) =>
    curl.create({ name: file, disk_format: named === 'luks' ? 'raw' : named, container_format });

  const imported = async (sample: Sample) => {
    const id = await create(sample);
    const type = ['--header', 'Content-Type: application/octet-stream'];
    const { status, body } = await curl.ask(
      `/v2/images/${id}/stage`,
      ...type,
      '--upload-file',
      pathOf(sample),
    );
    assert.equal(status, 204, body);
    const order = ['--json', JSON.stringify({ method: { name: 'glance-direct' } })];
    assert.equal((await curl.ask(`/v2/images/${id}/import`, ...order)).status, 202);
    const ended = async () => {
      const { tasks } = await curl.json<{ tasks: { status: string; message: string }[] }>(
        `/v2/images/${id}/tasks`,
      );
      const [first] = tasks;
      return first !== undefined && ['success', 'failure'].includes(first.status) && first;
    };
    // A bomb keeps qemu-img busy for long before the first byte of it is written.
    const task = await until('the end of the import', ended, 180_000);
    return { id, task, image: await curl.json<Record<string, unknown>>(`/v2/images/${id}`) };
  };

  it('takes one of each format in as it is, and gives the same bytes back', async () => {
    for (const sample of good.map(sampleOf)) {
      const id = await create(sample);
      const { status, body } = await curl.upload(id, pathOf(sample), 'Content-Length');
      assert.equal(status, 204, `${sample.file}: ${body}`);
      const got = path.join(person.folder, 'got');
      await curl.download(id, got);
      await run(['cmp', got, pathOf(sample)]);
    }
  });

  it('makes a compressed qcow2 the raw disk that it is', async () => {
    const sample = sampleOf('qcow2-compressed.qcow2');
    const { id, task, image } = await imported(sample);
    assert.match(task.message, /^Imported \d+ bytes, converted from qcow2 to raw$/);
    assert.deepEqual([image.disk_format, image.size, image.status], ['raw', sample.virtual_size, 'active']);
    const [got, expected] = ['got.raw', 'expected.raw'].map((name) => path.join(person.folder, name));
    await curl.download(id, got!);
    await run(['qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', pathOf(sample), expected!]);
    await run(['cmp', got!, expected!]);
  });

  it('makes disks of every other format raw, too', async () => {
    for (const file of disks) {
      const { image, task } = await imported(sampleOf(file));
      assert.deepEqual([image.disk_format, image.status], ['raw', 'active'], `${file}: ${task.message}`);
    }
  });

  for (const [file, message] of Object.entries(evil))
    it(`refuses ${file}, uploaded or imported, and says why`, async () => {
      const sample = sampleOf(file);
      const id = await create(sample);
      const { status, body } = await curl.upload(id, pathOf(sample), 'Content-Length');
      assert.equal(status, 415, body);
      assert.match(body, message);
      const { task, image } = await imported(sample);
      assert.equal(task.status, 'failure');
      assert.match(task.message, message);
      assert.deepEqual([image.status, image.size], ['queued', null]);
    });

  for (const [file, message] of Object.entries(evilInside))
    it(`refuses ${file} when it is imported, and says why`, async () => {
      const { task, image } = await imported(sampleOf(file));
      assert.equal(task.status, 'failure');
      assert.match(task.message, message);
      assert.deepEqual([image.status, image.size], ['queued', null]);
    });

  it('leaves nothing of what it refused', async () => {
    const left = async (folder: string) => {
      const entries = await readdir(path.join(person.folder, 'data', folder), {
        recursive: true,
        withFileTypes: true,
      });
      return entries.filter((entry) => entry.isFile()).length;
    };
    assert.equal(await left('images'), good.length + disks.length + 1);
    await until('an empty staging area', async () => (await left('staging')) === 0);
  });
});
