/** Formats guessed from the bytes, then from the name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessDiskFormat } from './disk-format.ts';

/** Zeros with `text` at `at`. */
function bytes(text: string, at = 0, length = 40_000): Buffer {
  const buffer = Buffer.alloc(length);
  buffer.write(text, at, 'latin1');
  return buffer;
}

test('signatures decide, whatever the name says', () => {
  const cases: [string, number, string][] = [
    ['QFI\xfb', 0, 'qcow2'],
    ['KDMV', 0, 'vmdk'],
    ['vhdxfile', 0, 'vhdx'],
    ['conectix', 0, 'vhd'],
    ['\x7f\x10\xda\xbe', 64, 'vdi'],
    ['WithoutFreeSpace', 0, 'ploop'],
    ['CD001', 32_769, 'iso'],
  ];
  for (const [text, at, expected] of cases) {
    assert.equal(guessDiskFormat(bytes(text, at), null, 'a.aki').diskFormat, expected);
  }
  assert.equal(guessDiskFormat(bytes(''), bytes('conectix', 0, 512), 'a').diskFormat, 'vhd');
});

test('without a signature the name may tell, else it is raw', () => {
  assert.equal(guessDiskFormat(bytes(''), null, 'vmlinuz.AKI').diskFormat, 'aki');
  assert.equal(guessDiskFormat(bytes(''), null, 'disk.qcow2').diskFormat, 'raw');
  assert.equal(guessDiskFormat(Buffer.alloc(0), Buffer.alloc(0), 'x').diskFormat, 'raw');
});

test('archives and compressed files need to be told', () => {
  for (const [text, at] of [
    ['\x1f\x8b\x08', 0],
    ['\xfd7zXZ\0', 0],
    ['PK\x03\x04', 0],
  ] as const) {
    assert.throws(() => guessDiskFormat(bytes(text, at), null, 'a'), { name: 'UsageError' });
  }
  const tar = bytes('ustar', 257);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 8 * 0x20);
  tar.write(sum.toString(8).padStart(6, '0'), 148, 'latin1');
  assert.throws(() => guessDiskFormat(tar, null, 'a'), { message: /is a tar archive: unpack it first/ });
});
