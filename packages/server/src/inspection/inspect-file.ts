/** Holds a file against what it is declared as: reads only what its format asks for, or all of it once, with its digest. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type InspectedFile, Inspector, type InspectorOptions } from './inspect.ts';

/** Fails as `Inspector` does. */
export async function inspectFile(path: string, options: InspectorOptions): Promise<InspectedFile> {
  await using file = await open(path);
  const { size } = await file.stat();
  return await new Inspector(options).judge({ size, read: (offset, length) => readAt(file, offset, length) });
}

/** Of a raw disk, whose bytes are what a guest sees, with zeros up to the end of the last sector. `tell`: the bytes so far. */
export async function digestOfDisk(
  path: string,
  signal: AbortSignal,
  tell: (done: number) => void,
): Promise<string> {
  await using file = await open(path);
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (let at = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, pieceBytes, at);
    if (bytesRead === 0) return hash.update(Buffer.alloc((sector - (at % sector)) % sector)).digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
    tell(at);
  }
}

const pieceBytes = 1024 * 1024;
const sector = 512;

/** Fewer only at the end. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
