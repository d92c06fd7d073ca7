/** Test data that needs no memory: bytes that can be made, cut and compared at any position. */
import { createHash } from 'node:crypto';

const blockBytes = 64 * 1024;

/** Byte `position` of every test object of `seed`; no two positions close together look alike. */
function byteAt(position: number, seed: number): number {
  return (Math.imul(position + seed, 0x9e3779b1) >>> 13) & 0xff;
}

/** Bytes `first` up to, but without, `end`. */
export function slice(seed: number, first: number, end: number): Buffer {
  const bytes = Buffer.alloc(end - first);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = byteAt(first + index, seed);
  return bytes;
}

/** `size` bytes in chunks of `chunk`; each chunk is overwritten once the next is asked for. */
export async function* stream(seed: number, size: number, chunk = blockBytes): AsyncGenerator<Uint8Array> {
  const shared = Buffer.alloc(chunk);
  for (let at = 0; at < size; at += chunk) {
    const length = Math.min(chunk, size - at);
    slice(seed, at, at + length).copy(shared);
    yield shared.subarray(0, length);
    shared.fill(0xdd);
  }
}

/** The same, but it throws `error` instead of going on after `size` bytes. */
export async function* cutStream(seed: number, size: number, error: Error): AsyncGenerator<Uint8Array> {
  yield* stream(seed, size);
  throw error;
}

/** Copies what a reader yields, since a chunk is valid only until the next. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of source) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

export async function digest(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return hash.digest('hex');
}
