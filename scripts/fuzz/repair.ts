/** Sets the checksums in changed headers right: else hardly any change would get past them. */
import { complementOfSum, crc } from '../../packages/inspector/src/checksums.ts';

const kib = 1024;

/** In place. */
export function repair(bytes: Buffer): void {
  for (const at of [0, bytes.length - 512]) if (isAt(bytes, at, 'conectix')) sum(bytes, at, 512, 64);
  if (isAt(bytes, 512, 'cxsparse')) sum(bytes, 512, 1024, 36);
  for (const at of [64 * kib, 128 * kib]) if (isAt(bytes, at, 'head')) crcInto(bytes, at, 4 * kib);
  for (const at of [192 * kib, 256 * kib]) if (isAt(bytes, at, 'regi')) crcInto(bytes, at, 64 * kib);
  for (let at = 0; at + 512 <= Math.min(bytes.length, 64 * kib); at += 512)
    if (isAt(bytes, at + 257, 'ustar')) tarSum(bytes.subarray(at, at + 512));
}

function isAt(bytes: Buffer, at: number, word: string): boolean {
  return at >= 0 && bytes.toString('latin1', at, at + word.length) === word;
}

function sum(bytes: Buffer, at: number, length: number, blank: number): void {
  const part = bytes.subarray(at, at + length);
  if (part.length === length) part.writeUInt32BE(complementOfSum(part, blank), blank);
}

function crcInto(bytes: Buffer, at: number, length: number): void {
  const part = bytes.subarray(at, at + length);
  if (part.length === length) part.writeUInt32LE(crc('crc32c', part, 4), 4);
}

function tarSum(block: Buffer): void {
  block.write(' '.repeat(8), 148);
  const total = block.reduce((so, byte) => so + byte, 0);
  block.write(`${total.toString(8).padStart(6, '0')}\0 `, 148);
}
