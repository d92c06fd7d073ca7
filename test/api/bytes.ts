/** Image data for the black-box suite. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** The same bytes for the same seed; no format's header. */
export function bytes(length: number, seed = 1): Buffer {
  const out = Buffer.alloc(length);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[at] = state & 0xff;
  }
  return out;
}

export function digest(algorithm: string, data: Buffer): string {
  return createHash(algorithm).update(data).digest('hex');
}

/** In pieces of `size` bytes, for a chunked body. */
export function pieces(data: Buffer, size: number): Readable {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; at += size) parts.push(data.subarray(at, at + size));
  return Readable.from(parts);
}

/** A minimal qcow2 (version 3) of `virtualSize` bytes; `backing` names a backing file in it. */
export function qcow2(virtualSize: number, backing?: string): Buffer {
  const image = Buffer.alloc(65536 * 4);
  image.write('QFI\xfb', 0, 'latin1');
  image.writeUInt32BE(3, 4);
  if (backing !== undefined) {
    image.writeBigUInt64BE(1024n, 8);
    image.writeUInt32BE(backing.length, 16);
    image.write(backing, 1024);
  }
  image.writeUInt32BE(16, 20);
  image.writeBigUInt64BE(BigInt(virtualSize), 24);
  image.writeUInt32BE(Math.ceil(virtualSize / (512 * 2 ** 20)), 36);
  image.writeBigUInt64BE(65536n * 3n, 40);
  image.writeBigUInt64BE(65536n, 48);
  image.writeUInt32BE(1, 56);
  image.writeUInt32BE(4, 96);
  image.writeUInt32BE(104, 100);
  return image;
}

/** A plain file as it stands in a tar archive. */
export function tarMember(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0${' '.repeat(12)}`, 124);
  header.write(`${' '.repeat(8)}0`, 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(-content.length & 511)]);
}
