/** However hostile the data: the memory kept is bounded, and so is the work. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formats } from './formats/table.ts';
import { inspectSource } from './inspect-source.ts';
import { headBytes } from './inspection.ts';
import { Inspector } from './inspector.ts';
import { member, ovf, record } from './testing/archive.ts';
import { memoryInUse } from './testing/memory.ts';
import { qcow2 } from './testing/qcow2.ts';

const mebibyte = 1024 * 1024;

/** Tar archives of many members, whose names and contents are as long as is kept. */
function* manyMembers(): Generator<Uint8Array> {
  const references = Array.from({ length: 250 }, (_, index) => `${'f'.repeat(240)}${index}`);
  yield member({ name: 'vm.ovf', content: `${ovf(...references)}${' '.repeat(350_000)}` });
  yield member({
    name: 'vm.mf',
    content: references.map((name) => `SHA256(${name})= ${'0'.repeat(64)}\n`).join(''),
  });
  for (let index = 0; index < 1200; index += 1) {
    const name = `${'n'.repeat(90)}${index}`;
    yield member({
      name,
      content: index % 2 === 0 ? qcow2().subarray(0, 1000) : `# Disk DescriptorFile\n${'#\n'.repeat(2000)}`,
    });
  }
}

/** Extended headers as long as they may be, for short names and for long ones. */
function* longHeaders(): Generator<Uint8Array> {
  for (let index = 0; index < 150; index += 1) {
    const path = `${'p'.repeat(index % 2 === 0 ? 100 : 5000)}${index}`;
    const content = record('comment', 'c'.repeat(55_000)) + record('path', path);
    yield Buffer.concat([member({ name: 'x', type: 'x', content }), member({ name: 'a', content: 'x' })]);
  }
}

function vhd(): Uint8Array {
  const data = Buffer.alloc(6 * mebibyte, 0xff);
  data.fill(0, 0, 1536);
  data.write('conectix', 0);
  data.writeBigUInt64BE(512n, 16);
  data.writeBigUInt64BE(2n ** 40n, 48);
  data.writeUInt32BE(3, 60);
  data.write('cxsparse', 512);
  data.writeBigUInt64BE(1536n, 528);
  data.writeUInt32BE(2 ** 20, 540);
  data.writeUInt32BE(2 ** 20, 544);
  for (const [from, to, at] of [
    [0, 512, 64],
    [512, 1536, 548],
  ] as const) {
    const sum = data.subarray(from, to).reduce((total, byte) => total + byte, 0);
    data.writeUInt32BE(~sum >>> 0, at);
  }
  return data;
}

function luks2(): Uint8Array {
  const data = Buffer.alloc(mebibyte, '[],');
  data.fill(0, 0, 4096);
  data.write('LUKS\xba\xbe\0\x02', 'latin1');
  data.writeBigUInt64BE(BigInt(mebibyte), 8);
  data.write('{"segments":[', 4096);
  return data;
}

function vmdk(filling: string): Uint8Array {
  const data = Buffer.alloc(65_536);
  data.write('KDMV');
  for (const [at, value] of [
    [4, 1],
    [12, 2048],
    [20, 128],
    [28, 1],
    [36, 20],
    [44, 512],
  ] as const)
    data.writeUInt32LE(value, at);
  data.write(`createType="monolithicSparse"\n${filling}`.slice(0, 10_239), 512);
  return data;
}

const hostile: readonly (readonly [string, () => Iterable<Uint8Array>])[] = [
  ['an appliance of very many files', manyMembers],
  ['an archive of long extended headers', longHeaders],
  ['a VHD of a million blocks', () => [vhd()]],
  ['LUKS metadata without end', () => [luks2()]],
  [
    'a VMDK descriptor of many keys',
    () => [vmdk(Array.from({ length: 2000 }, (_, index) => `${index}=\n`).join(''))],
  ],
  ['a VMDK descriptor of many spaces', () => [vmdk(`a${' '.repeat(10_000)}`)]],
  [
    'a text descriptor of many comments',
    () => [Buffer.from(`${'#\n'.repeat(32_000)}# Disk DescriptorFile\n`)],
  ],
  ['an OVF of many tags', () => [member({ name: 'vm.ovf', content: '<a/>'.repeat(130_000) })]],
  ['an OVF of tags without end', () => [member({ name: 'vm.ovf', content: '<File '.repeat(85_000) })]],
  ['an OVF of comments without end', () => [member({ name: 'vm.ovf', content: '<!--'.repeat(130_000) })]],
  [
    'an OVF of very many references',
    () => [member({ name: 'vm.ovf', content: ovf(...Array(30_000).fill('a')) })],
  ],
  ['a manifest of empty lines', () => [member({ name: 'vm.mf', content: '\n'.repeat(500_000) })]],
  ['ten million empty headers', () => Array(20).fill(Buffer.alloc(mebibyte, member({ name: 'a' })))],
];

describe('the memory kept stays under 2 MiB:', () => {
  for (const [what, chunks] of hostile) {
    test(what, () => {
      // What the engine compiles and remembers of the code is not what is measured.
      const warm = new Inspector();
      for (const chunk of chunks()) warm.update(chunk);
      const inspector = new Inspector();
      let most = 0;
      let passed = 0;
      let measured = 0;
      const before = memoryInUse();
      for (const chunk of chunks()) {
        for (let at = 0; at < chunk.length; at += 65_536) {
          inspector.update(chunk.subarray(at, at + 65_536));
          passed += Math.min(65_536, chunk.length - at);
        }
        if (passed - measured < 100_000) continue;
        measured = passed;
        most = Math.max(most, memoryInUse() - before - chunk.byteLength);
      }
      assert.ok(most < 2 * mebibyte, `${Math.round(most / 1024)} KiB`);
      assert.ok(inspector.finish().size === passed);
    });
  }
});

test('every format says that it keeps less than 2 MiB beside head and tail', () => {
  for (const { name, memory } of formats) assert.ok(memory + headBytes <= 2 * mebibyte, name);
});

describe('a source is read in stretches that are short and not more than once:', () => {
  for (const [what, chunks] of hostile) {
    test(what, async () => {
      const data = Buffer.concat([...chunks()]);
      let bytesRead = 0;
      const read = async (offset: number, length: number) => {
        assert.ok(length <= 600 * 1024, `a read of ${length} bytes`);
        bytesRead += length;
        return data.subarray(offset, offset + length);
      };
      await inspectSource({ size: data.length, read });
      assert.ok(bytesRead <= 2 * data.length + 2 * headBytes, `${bytesRead} of ${data.length}`);
    });
  }
});
