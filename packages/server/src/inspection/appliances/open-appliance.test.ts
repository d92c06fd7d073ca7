/** Of an appliance comes its one disk and what its descriptor tells, or a sentence why not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Samples } from '../../../../../test/formats/samples.ts';
import { readDescriptor } from './descriptor.ts';
import { bytesOf, openAppliance } from './open-appliance.ts';

const samples = new Samples();
after(() => samples.remove());
const { skip } = samples;
const { signal } = new AbortController();
const wanted = ['InstructionSet', 'ProcessorArchitecture', 'Absent'];
const processors = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ProcessorAllocationSettingData';
const ovf = 'http://schemas.dmtf.org/ovf/envelope/1';

const opened = (path: string) => openAppliance(path, { wanted, signal, tell: () => {} });
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

function descriptor({
  files = '<File o:id="f" o:href="disk.raw"/>',
  disks = '<Disk o:fileRef="f"/>',
  more = '',
}): string {
  return `<?xml version="1.0"?><Envelope xmlns="${ovf}" xmlns:o="${ovf}" xmlns:p="${processors}">
    <References>${files}</References><DiskSection>${disks}</DiskSection>${more}</Envelope>`;
}

let count = 0;
/** A tar of these files, in this order, as GNU tar makes it. */
function appliance(files: Readonly<Record<string, Uint8Array | string>>, format = 'ustar'): string {
  count += 1;
  const folder = join(samples.folder, `appliance-${count}`);
  mkdirSync(folder);
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
  execFileSync('tar', [
    '-c',
    `--format=${format}`,
    '-f',
    `${folder}.ova`,
    '-C',
    folder,
    ...Object.keys(files),
  ]);
  return `${folder}.ova`;
}

const disk = randomBytes(100_000);

async function contentOf(path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytesOf(path, (await opened(path)).disk, signal)) chunks.push(chunk);
  return sha256(Buffer.concat(chunks));
}

describe('an appliance', { skip }, () => {
  test('of the samples has a vmdk of the size that it states', async () => {
    const { disk: found, format, properties } = await opened(join(samples.folder, 'ova.ova'));
    assert.deepEqual([found.name, format, properties], ['disk.vmdk', 'vmdk', {}]);
    assert.equal(
      found.size,
      samples.all.find(({ file }) => file === 'vmdk-streamOptimized.vmdk')?.size ?? found.size,
    );
  });

  for (const format of ['ustar', 'gnu', 'pax'])
    test(`in a ${format} archive, its manifest before or behind the disk`, async () => {
      const vm = descriptor({});
      const manifest = `SHA256(vm.ovf)= ${sha256(vm)}\nSHA256(disk.raw)= ${sha256(disk)}\n`;
      const files = { 'vm.ovf': vm, 'disk.raw': disk };
      assert.equal(await contentOf(appliance({ ...files, 'vm.mf': manifest }, format)), sha256(disk));
      assert.equal(
        await contentOf(appliance({ 'vm.ovf': vm, 'vm.mf': manifest, 'disk.raw': disk }, format)),
        sha256(disk),
      );
    });

  test('tells the properties that are wanted, of the namespace that is known', async () => {
    const more = `<Item><p:InstructionSet> DMTF:x86_64 </p:InstructionSet><p:ProcessorArchitecture/><p:Other>no</p:Other>
      <InstructionSet>no</InstructionSet></Item>`;
    const path = appliance({ 'vm.ovf': descriptor({ more }), 'disk.raw': disk });
    const { properties } = await opened(path);
    assert.deepEqual(properties, {
      cim_pasd_InstructionSet: 'DMTF:x86_64',
      cim_pasd_ProcessorArchitecture: '',
    });
  });
});

describe('refused is', { skip }, () => {
  test('every evil sample', async () => {
    const evil = samples.all.filter(({ safe, container_format }) => !safe && container_format === 'ova');
    assert.ok(evil.length >= 10, `only ${evil.length}`);
    for (const { file } of evil)
      await assert.rejects(
        opened(join(samples.folder, file)),
        ({ code }) => /^(unsafe_image|format_mismatch)$/.test(code),
        file,
      );
  });

  test('a digest that differs, wherever the manifest stands', async () => {
    const files = { 'vm.ovf': descriptor({}), 'disk.raw': disk };
    const manifest = `SHA256(disk.raw)= ${sha256('other')}\n`;
    for (const path of [
      appliance({ ...files, 'vm.mf': manifest }),
      appliance({ 'vm.ovf': files['vm.ovf'], 'vm.mf': manifest, 'disk.raw': disk }),
      appliance({ ...files, 'vm.mf': `SHA1(vm.ovf)= ${'0'.repeat(40)}\n` }),
      appliance({ ...files, 'vm.mf': `SHA256(gone.raw)= ${sha256(disk)}\n` }),
    ])
      await assert.rejects(opened(path), { code: 'format_mismatch', message: /manifest/ });
  });

  test('what has several disks, none, or none that is there', async () => {
    const two = '<Disk o:fileRef="f"/><Disk o:fileRef="f"/>';
    for (const [disks, message] of [
      [two, /has 2 disks/],
      ['', /has 0 disks/],
      ['<Disk o:fileRef="g"/>', /does not say which file/],
    ] as const)
      await assert.rejects(opened(appliance({ 'vm.ovf': descriptor({ disks }), 'disk.raw': disk })), {
        message,
      });
  });

  test('a disk that is packed', async () => {
    const packed = execFileSync('gzip', ['-c'], { input: disk });
    const path = appliance({ 'vm.ovf': descriptor({}), 'disk.raw': packed });
    await assert.rejects(opened(path), /its disk is gzip-compressed data/);
  });
});

describe('a descriptor', () => {
  test('with a document type is refused before any entity counts', () => {
    const text = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${descriptor({}).slice(21)}`;
    assert.throws(() => readDescriptor(text, wanted), { code: 'unsafe_image' });
  });

  test('with entities of its own, or broken, is refused', () => {
    for (const more of ['<p:InstructionSet>&x;</p:InstructionSet>', '<open>', '<a b=c/>', '\0'])
      assert.throws(() => readDescriptor(descriptor({ more }), wanted), { code: 'format_mismatch' }, more);
  });

  test('gives values of bounded length', () => {
    const more = `<p:InstructionSet>${'x'.repeat(100_000)}</p:InstructionSet>`;
    assert.equal(
      readDescriptor(descriptor({ more }), wanted).properties.cim_pasd_InstructionSet?.length,
      255,
    );
  });
});
