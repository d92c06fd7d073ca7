/** Reads an open file, or a part of it, one buffer ahead of the consumer. */
import type { FileHandle } from 'node:fs/promises';
import { PooledReader } from '../pooled-reader.ts';

/** Bytes from `first`, `length` of them. Closes the file. `told`: what its consumer is told of an error. */
export function readFile(
  file: FileHandle,
  first: number,
  length: number,
  told?: (error: unknown) => unknown,
): PooledReader {
  return new PooledReader({
    first,
    length,
    mostAhead: 1,
    read: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
    close: () => file.close(),
    told,
  });
}
