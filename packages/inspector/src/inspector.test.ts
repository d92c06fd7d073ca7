/** What the inspector says of data that needs no generator. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Inspector } from './inspector.ts';
import { inspect, refusalOf } from './testing/inspect.ts';
import { qcow2, withBackingFile } from './testing/qcow2.ts';

describe('a qcow2 of 384 KiB that claims 1 TiB', () => {
  const data = Buffer.concat([qcow2(2 ** 40), Buffer.alloc(5 * 65_536)]);

  test('is told to be that large', async () => {
    assert.equal(data.length, 384 * 1024);
    const { virtualSize, refusal } = await inspect(data);
    assert.deepEqual([virtualSize, refusal], [2 ** 40, null]);
  });

  test('is refused by a cap, before the rest has passed', async () => {
    const cap = { virtualSizeCap: 2 ** 40 - 1 };
    const reason = 'its disk has 1099511627776 bytes, the limit is 1099511627775';
    assert.equal(await refusalOf(data, cap), `too_large: ${reason}`);
    const inspector = new Inspector(cap);
    inspector.update(data.subarray(0, 65_536));
    assert.deepEqual(inspector.refusal, { kind: 'too_large', reason });
  });
});

test('the cap is for raw disks, too', async () => {
  assert.match((await refusalOf(Buffer.alloc(1001), { virtualSizeCap: 1000 })) ?? '', /^too_large/);
  assert.equal(await refusalOf(Buffer.alloc(1000), { virtualSizeCap: 1000 }), null);
});

describe('what is no disk image has a name', () => {
  const cases: readonly (readonly [string, Uint8Array | string])[] = [
    ['raw data', ''],
    ['raw data', Buffer.alloc(70_000)],
    ['an MP4 video', '\0\0\0\x20ftypisom\0\0\x02\0'],
    ['a QuickTime video', '\0\0\0\x14ftypqt  '],
    ['an AVI video', 'RIFF\0\0\0\0AVI LIST'],
    ['a WAV audio file', 'RIFF\0\0\0\0WAVEfmt '],
    ['a PDF document', '%PDF-1.7\n'],
    ['an ELF program', '\x7fELF\x02\x01\x01'],
    ['a PNG picture', '\x89PNG\r\n\x1a\n'],
    ['a zip archive', 'PK\x03\x04'],
    ['gzip-compressed data', gzipSync('x')],
    ['an HTML page', '\xef\xbb\xbf\n<!DOCTYPE html><html>'],
    ['an XML document', '<?xml version="1.0"?><Error/>'],
    ['a JSON document', '{"error": {}}'],
    ['plain text', 'Not Found\n'],
    ['a script', '#!/bin/sh\n'],
    ['a PEM key or certificate', '-----BEGIN CERTIFICATE-----\n'],
    ['a macOS disk image (DMG)', `${'\0'.repeat(3000)}koly${'\0'.repeat(508)}`],
    ['a qcow2 image', qcow2()],
  ];
  for (const [look, data] of cases) {
    test(look, async () => assert.equal((await inspect(data)).looksLike, look));
  }
});

describe('a boot sector is no partition table', () => {
  const sector = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.alloc(4096);
    bytes.writeUInt16LE(0xaa55, 510);
    change(bytes);
    return bytes;
  };
  const cases: readonly (readonly [string, (bytes: Buffer) => void])[] = [
    ['an NTFS volume', (bytes) => bytes.write('\xeb\x52\x90NTFS    ', 0, 'latin1')],
    ['an exFAT volume', (bytes) => bytes.write('\xeb\x76\x90EXFAT   ', 0, 'latin1')],
    [
      'a FAT volume',
      (bytes) => bytes.write('\xeb\x3c\x90mkfs.fat\0\x02\x04\x01\0\x02\0\x02\0\0\xf8', 0, 'latin1'),
    ],
  ];
  for (const [look, change] of cases) {
    test(look, async () => {
      const { format, looksLike, refusal } = await inspect(sector(change));
      assert.deepEqual([format, looksLike, refusal], ['raw', look, null]);
    });
  }

  test('and an odd table is warned of, not refused', async () => {
    const { format, refusal, warnings } = await inspect(
      sector((bytes) => bytes.set([0x17, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0, 0], 446)),
    );
    assert.deepEqual([format, refusal], ['mbr', null]);
    assert.equal(warnings.length, 2);
  });
});

describe('compressed data', () => {
  test('shows what is unsafe inside', async () => {
    const reason = 'unsafe: inside the gzip-compressed data: the qcow2 image names a backing file';
    assert.equal(await refusalOf(gzipSync(withBackingFile)), reason);
  });

  test('is not looked for the end of what is inside', async () => {
    const { refusal, facts } = await inspect(gzipSync(Buffer.concat([qcow2(), Buffer.alloc(300_000)])));
    assert.deepEqual([refusal, facts.contains], [null, 'a qcow2 image']);
  });

  test('that ends early is damaged, and packed twice no image', async () => {
    assert.match(
      (await refusalOf(gzipSync(Buffer.alloc(9), { level: 0 }).subarray(0, 18))) ?? '',
      /^damaged/,
    );
    assert.match((await refusalOf(gzipSync(gzipSync('x')))) ?? '', /^unfit: .* packed twice$/);
  });

  test('is capped by the size of the disk inside', async () => {
    const refusal = await refusalOf(gzipSync(qcow2(2 ** 40)), { virtualSizeCap: 2 ** 30 });
    assert.match(refusal ?? '', /^too_large: inside the gzip-compressed data: its disk has/);
  });
});

test('a header that points back is refused', async () => {
  const vhdx = Buffer.alloc(70_000);
  vhdx.write('vhdxfile');
  assert.match((await refusalOf(vhdx)) ?? '', /^unsafe: it ends inside its VHDX header/);
  const luks = Buffer.alloc(5000);
  luks.write('LUKS\xba\xbe\0\x01', 'latin1');
  assert.match((await refusalOf(luks)) ?? '', /^unsafe: the payload of its LUKS header is elsewhere/);
});

describe('a qcow2 header', () => {
  const refusalAfter = (change: (header: Buffer) => void) => refusalOf(qcow2(undefined, change));
  const cases: readonly (readonly [RegExp, (header: Buffer) => void])[] = [
    [/the L1 table and the refcount table .* overlap/, (header) => header.writeBigUInt64BE(65_536n, 40)],
    [
      /the header and the L1 table .* overlap|begin where a cluster does/,
      (header) => header.writeBigUInt64BE(512n, 40),
    ],
    [/same extension twice/, (header) => header.writeUInt32BE(7, 104) && header.writeUInt32BE(7, 112)],
    [/contradicts itself about compression/, (header) => header.writeBigUInt64BE(8n, 72)],
    [/tables are too small/, (header) => header.writeBigUInt64BE(2n ** 40n, 24)],
    [/claims 9007199255789568 bytes/, (header) => header.writeUInt32BE(0x00200000, 24)],
  ];
  for (const [reason, change] of cases) {
    test(`is refused: ${reason.source}`, async () =>
      assert.match((await refusalAfter(change)) ?? '', reason));
  }
});

test('once decided, nothing that follows changes the verdict', () => {
  const inspector = new Inspector();
  inspector.update(withBackingFile);
  const { refusal } = inspector;
  inspector.update(Buffer.alloc(100_000, 0x55));
  assert.deepEqual(inspector.refusal, refusal);
  assert.deepEqual(inspector.finish().refusal, refusal);
  assert.equal(inspector.finish(), inspector.finish());
});

test('a chunk may be reused after update', () => {
  const inspector = new Inspector();
  const shared = Buffer.alloc(100);
  const data = qcow2();
  for (let at = 0; at < data.length; at += shared.length) {
    const length = data.copy(shared, 0, at, at + shared.length);
    inspector.update(shared.subarray(0, length));
    shared.fill(0xee);
  }
  assert.equal(inspector.finish().virtualSize, 1024 * 1024);
});
