/** What the inspector says of data that needs no generator, and how early and with how little memory it says it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Inspected, Inspector } from './inspect.ts';

function inspect(data: Uint8Array | string, diskFormat: string, requireMatch = true): Inspected {
  const inspector = new Inspector({ diskFormat, containerFormat: 'bare', requireMatch });
  inspector.update(Buffer.from(data));
  return inspector.finish();
}

/** A version 3 header of a disk of 1 MiB, padded to a cluster. */
function qcow2(change: (header: Buffer) => void = () => undefined): Buffer {
  const header = Buffer.alloc(65_536);
  header.write('QFI\xfb', 0, 'latin1');
  for (const [offset, value] of [
    [4, 3],
    [20, 16],
    [28, 1024 * 1024],
    [36, 1],
    [56, 1],
    [96, 4],
    [100, 104],
  ] as const) {
    header.writeUInt32BE(value, offset);
  }
  change(header);
  return header;
}

describe('data uploaded by mistake', () => {
  const cases: readonly (readonly [string, Uint8Array | string, string])[] = [
    ['qcow2', gzipSync('x'.repeat(1000)), 'gzip-compressed data'],
    ['qcow2', '\n<!DOCTYPE html><html><body>404</body></html>', 'an HTML page'],
    ['vmdk', '{"error": {"code": 404}}', 'a JSON document'],
    ['vmdk', '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', 'an XML document'],
    ['vhd', 'Not Found\n', 'plain text'],
    ['vdi', '%PDF-1.7\n', 'a PDF document'],
    ['iso', Buffer.from('7f454c4602010100', 'hex'), 'an ELF program'],
    ['iso', Buffer.from('89504e470d0a1a0a', 'hex'), 'a PNG picture'],
    ['qcow2', '\0\0\0\x20ftypisom\0\0\x02\0', 'an MP4 video'],
    ['qcow2', Buffer.from('fd377a585a000004', 'hex'), 'xz-compressed data'],
    ['qcow2', Buffer.from('28b52ffd04580100', 'hex'), 'zstd-compressed data'],
    ['qcow2', 'PK\x03\x04', 'a zip archive'],
    ['qcow2', Buffer.alloc(100), 'raw data'],
    ['vmdk', qcow2(), 'a qcow2 image'],
    ['raw', qcow2(), 'a qcow2 image'],
  ];
  for (const [declared, data, look] of cases) {
    test(`${look}, declared as ${declared}`, () => {
      assert.throws(() => inspect(data, declared), {
        code: 'format_mismatch',
        message: `The image is declared as ${declared}, but this looks like ${look}.`,
      });
    });
  }

  test('passes as raw: nobody unpacks a disk', () => {
    assert.deepEqual(inspect(gzipSync('x'), 'raw'), { format: 'gzip', virtualSize: gzipSync('x').length });
    const evil = gzipSync(qcow2((header) => header.writeUInt32BE(512, 12)));
    assert.deepEqual(inspect(evil, 'raw'), { format: 'gzip', virtualSize: evil.length });
  });
});

describe('no data at all', () => {
  test('is an empty raw disk', () => {
    const inspector = new Inspector({ diskFormat: 'raw', containerFormat: 'bare', requireMatch: true });
    assert.deepEqual(inspector.finish(), { format: 'raw', virtualSize: 0 });
  });

  test('is nothing else', () => {
    const inspector = new Inspector({ diskFormat: 'qcow2', containerFormat: 'bare', requireMatch: true });
    assert.throws(() => inspector.finish(), {
      code: 'format_mismatch',
      message: 'The image is declared as qcow2, but there is no data.',
    });
  });
});

describe('qcow2', () => {
  test('is sized by its header', () => {
    assert.deepEqual(inspect(qcow2(), 'qcow2'), { format: 'qcow2', virtualSize: 1024 * 1024 });
  });

  test('with a backing file is refused before the rest arrives, whatever is declared', () => {
    const data = qcow2((header) => header.writeUInt32BE(512, 12));
    for (const requireMatch of [true, false]) {
      const inspector = new Inspector({ diskFormat: 'raw', containerFormat: 'bare', requireMatch });
      assert.throws(() => inspector.update(data), { code: 'unsafe_image', message: /backing file/ });
    }
  });

  test('of more than 2^53 bytes is refused', () => {
    const data = qcow2((header) => header.writeUInt32BE(0x00200000, 24));
    assert.throws(() => inspect(data, 'qcow2'), { code: 'unsafe_image', message: /9007199255789568 bytes/ });
  });
});

describe('the size that a guest sees', () => {
  const options = { diskFormat: 'qcow2', containerFormat: 'bare', requireMatch: false };

  test('is capped before the data has passed', () => {
    const inspector = new Inspector({ ...options, virtualSizeCap: 1024 * 1024 - 1 });
    assert.throws(() => inspector.update(qcow2()), {
      code: 'virtual_size_cap',
      message: 'The image is refused: its disk has 1048576 bytes, the limit is 1048575.',
    });
  });

  test('may be as large as the cap', () => {
    const inspector = new Inspector({ ...options, virtualSizeCap: 1024 * 1024 });
    inspector.update(qcow2());
    assert.equal(inspector.finish().virtualSize, 1024 * 1024);
  });
});

describe('in a container', () => {
  function inspectIn(containerFormat: string, data: Uint8Array | string, diskFormat = 'raw'): Inspected {
    const inspector = new Inspector({ diskFormat, containerFormat, requireMatch: true });
    inspector.update(Buffer.from(data));
    return inspector.finish();
  }

  test('what nothing claims is taken as it is', () => {
    for (const container of ['ova', 'ovf', 'docker', 'compressed', 'aki', 'squashed'])
      assert.deepEqual(inspectIn(container, 'text'), { format: 'raw', virtualSize: null });
    for (const disk of ['vhd', 'vmdk', 'qcow2'])
      assert.deepEqual(inspectIn('ami', 'text', disk), { format: 'raw', virtualSize: null });
    assert.throws(() => inspectIn('ami', qcow2(), 'vmdk'), { code: 'format_mismatch' });
  });

  test('what is known to be something else is refused with both names', () => {
    assert.throws(() => inspectIn('ova', gzipSync('x')), {
      code: 'format_mismatch',
      message: 'The image is declared as ova, but this looks like gzip-compressed data.',
    });
    assert.throws(() => inspectIn('compressed', qcow2()), { code: 'format_mismatch' });
    assert.equal(inspectIn('compressed', gzipSync('x')).format, 'gzip');
    assert.equal(inspectIn('docker', gzipSync('x')).format, 'gzip');
  });

  test('a disk declared as ovf passes, as in the instructions of many years', () => {
    assert.deepEqual(inspectIn('ovf', qcow2(), 'qcow2'), { format: 'qcow2', virtualSize: 1024 * 1024 });
    assert.throws(() => inspectIn('ovf', qcow2(), 'vmdk'), { code: 'format_mismatch' });
  });

  test('what is hidden by compression is found', () => {
    const evil = gzipSync(qcow2((header) => header.writeUInt32BE(512, 12)));
    assert.throws(() => inspectIn('compressed', evil), {
      code: 'unsafe_image',
      message: /inside the gzip-compressed data: the qcow2 image names a backing file/,
    });
  });
});

describe('when nothing needs to match', () => {
  test('the format found is told all the same', () => {
    assert.deepEqual(inspect(qcow2(), 'vmdk', false), { format: 'qcow2', virtualSize: 1024 * 1024 });
    assert.deepEqual(inspect('text', 'vmdk', false), { format: 'raw', virtualSize: 4 });
  });
});

describe('a mismatch', () => {
  test('is told as soon as the head is known', () => {
    const inspector = new Inspector({ diskFormat: 'qcow2', containerFormat: 'bare', requireMatch: true });
    inspector.update(Buffer.alloc(65_535));
    assert.throws(() => inspector.update(Buffer.alloc(1)), { code: 'format_mismatch' });
  });

  test('for a VHD has to wait for the footer of a fixed one', () => {
    const inspector = new Inspector({ diskFormat: 'vhd', containerFormat: 'bare', requireMatch: true });
    inspector.update(Buffer.alloc(1_000_000));
    assert.throws(() => inspector.finish(), { code: 'format_mismatch', message: /looks like raw data/ });
  });
});

test('the verdict can be asked for again', () => {
  const inspector = new Inspector({ diskFormat: 'raw', containerFormat: 'bare', requireMatch: true });
  inspector.update(Buffer.alloc(10));
  assert.equal(inspector.finish(), inspector.finish());
});

test('a chunk may be reused by its source after update', () => {
  const inspector = new Inspector({ diskFormat: 'qcow2', containerFormat: 'bare', requireMatch: true });
  const data = qcow2();
  const shared = Buffer.alloc(100);
  for (let at = 0; at < data.length; at += 100) {
    const length = data.copy(shared, 0, at, at + 100);
    inspector.update(shared.subarray(0, length));
    shared.fill(0xee);
  }
  assert.equal(inspector.finish().virtualSize, 1024 * 1024);
});
