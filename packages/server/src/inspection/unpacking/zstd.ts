/** zstd, of any number of frames: Node's decompressor stops behind the first. */
import type { Readable } from 'node:stream';
import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { toldOf } from './broken.ts';
import { pieceBytes } from './gzip.ts';

const nothing = Buffer.alloc(0);

/** Fails with format_mismatch when anything but frames stands behind the last one. */
export async function* unzstd(source: Readable): AsyncGenerator<Uint8Array> {
  const input = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (let rest = await next(input); rest.length > 0; ) {
      rest = yield* unpackFrame(rest, input);
      if (rest.length === 0) rest = await next(input);
    }
  } catch (error) {
    throw toldOf(error, 'zstd');
  } finally {
    source.destroy();
  }
}

/** Returns what it has taken of the input and not used. */
async function* unpackFrame(start: Buffer, input: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array, Buffer> {
  const frame = createZstdDecompress({ chunkSize: pieceBytes });
  const feeding = feed(frame, start, input);
  feeding.catch((error) => frame.destroy(error));
  yield* frame as AsyncIterable<Uint8Array>;
  return await feeding;
}

async function feed(frame: ZstdDecompress, start: Buffer, input: AsyncIterator<Buffer>): Promise<Buffer> {
  let given = 0;
  for (let chunk = start; chunk.length > 0; chunk = await next(input)) {
    given += chunk.length;
    await write(frame, chunk);
    const unused = given - frame.bytesWritten;
    if (unused > 0) return chunk.subarray(chunk.length - unused);
  }
  frame.end();
  return nothing;
}

function write(frame: ZstdDecompress, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    frame.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/** Empty at the end. */
async function next(input: AsyncIterator<Buffer>): Promise<Buffer> {
  for (;;) {
    const step = await input.next();
    if (step.done) return nothing;
    if (step.value.length > 0) return step.value;
  }
}
