/** One header block of a tar archive. */
import { latin1, textAt, textUpToNul } from '../bytes.ts';
import { unsafe } from '../examination.ts';

export const blockBytes = 512;

export interface TarHeader {
  readonly name: string;
  readonly size: number;
  readonly kind: 'file' | 'folder' | 'link' | 'device' | 'other';
  /** Says something of the member that follows. */
  readonly isExtension: boolean;
  readonly type: string;
}

const kinds: Readonly<Record<string, TarHeader['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '3': 'device',
  '4': 'device',
  '5': 'folder',
  '6': 'device',
};

/** Whether the checksum holds. */
export function isTarHeader(block: Uint8Array): boolean {
  let sum = 0;
  for (let at = 0; at < blockBytes; at += 1) sum += at >= 148 && at < 156 ? 32 : block[at]!;
  return octal(block, 148, 8) === sum;
}

export function readTarHeader(block: Uint8Array): TarHeader {
  const size = sizeAt(block, 124);
  if (size === null) throw unsafe('a header of its tar archive states a nonsense size');
  const type = latin1(block, 156, 157);
  const name = textUpToNul(block, 0, 100);
  const prefix = textAt(block, 257, 'ustar\0') ? textUpToNul(block, 345, 155) : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    kind: kinds[type] ?? 'other',
    isExtension: ['x', 'g', 'L', 'K'].includes(type),
    type,
  };
}

/** Octal digits, or a big-endian number after a byte of 80. */
function sizeAt(block: Uint8Array, at: number): number | null {
  if (block[at] !== 0x80) return octal(block, at, 12);
  let size = 0;
  for (const byte of block.subarray(at + 1, at + 12)) size = size * 256 + byte;
  return Number.isSafeInteger(size) ? size : null;
}

/** Null when it is no octal number. */
function octal(block: Uint8Array, at: number, length: number): number | null {
  const digits = /^ *([0-7]*)[ \0]*$/.exec(latin1(block, at, at + length))?.[1];
  return digits === undefined ? null : Number.parseInt(`0${digits}`, 8);
}
