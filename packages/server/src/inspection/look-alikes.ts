/** Names for data that are no disk image but get uploaded by mistake; used in messages only. */
import { textAt } from './formats/format.ts';

const signatures: readonly (readonly [offset: number, bytes: string, name: string])[] = [
  [0, '\x1f\x8b\x08', 'gzip-compressed data'],
  [0, '\xfd7zXZ\0', 'xz-compressed data'],
  [0, '\x28\xb5\x2f\xfd', 'zstd-compressed data'],
  [0, 'BZh', 'bzip2-compressed data'],
  [0, 'PK\x03\x04', 'a zip archive'],
  [0, '7z\xbc\xaf\x27\x1c', 'a 7-Zip archive'],
  [0, 'Rar!\x1a\x07', 'a RAR archive'],
  [2, '-lh', 'an LHA archive'],
  [257, 'ustar', 'a tar archive'],
  [0, '070701', 'a cpio archive'],
  [0, '\x7fELF', 'an ELF program'],
  [514, 'HdrS', 'a Linux kernel'],
  [56, 'ARM\x64', 'a Linux kernel'],
  [0, '%PDF-', 'a PDF document'],
  [0, '\x89PNG', 'a PNG picture'],
  [0, '\xff\xd8\xff', 'a JPEG picture'],
  [0, 'GIF8', 'a GIF picture'],
  [1080, '\x53\xef', 'a bare ext file system'],
];

/** What data whose first bytes are `head` looks like, for messages; `found` are the formats recognised in it. */
export function lookOf(head: Buffer, found: readonly string[]): string {
  const format = found.find((name) => name !== 'mbr' && name !== 'gpt');
  if (format !== undefined) return format;
  const signature = signatures.find(([offset, bytes]) => textAt(head, offset, bytes));
  if (signature !== undefined) return signature[2];
  return found.length > 0 ? 'a raw disk with a partition table' : lookOfText(head);
}

function lookOfText(head: Buffer): string {
  const text = head
    .toString('latin1', 0, 512)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (text === '' || /[^\t\r\n\x20-\x7e\x80-\xff]/.test(text)) return 'raw';
  if (/^<(!doctype html|html|head|body)/i.test(text)) return 'an HTML page';
  if (text.startsWith('<?xml') || text.startsWith('<')) return 'an XML document';
  if (/^[[{]/.test(text)) return 'a JSON document';
  return /^[\t\r\n\x20-\x7e]+$/.test(text) ? 'plain text' : 'raw';
}
