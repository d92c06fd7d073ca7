/** The bytes to upload: a file, or standard input; the first ones can be looked at before. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { headBytes } from '@tintype/inspector';
import { systemError, UsageError } from './command-error.ts';
import { tailBytes } from './disk-format.ts';
import { untilAborted } from './until-aborted.ts';

export interface ImageSource extends AsyncDisposable {
  /** For messages. */
  readonly name: string;
  /** Bytes; null when only the end will tell. */
  readonly size: number | null;
  readonly head: Buffer;
  /** Of files only. */
  readonly tail: Buffer | null;
  /** All bytes, once. */
  stream(): AsyncIterable<Uint8Array>;
  /** Reads everything again for another digest; null where that is impossible. */
  digestAgain(algorithm: string): Promise<string | null>;
}

const chunkBytes = 1024 * 1024;

/** `-` is standard input. Throws CommandError, and the reason of `signal`. */
export async function openSource(file: string, signal: AbortSignal): Promise<ImageSource> {
  return file === '-' ? await openStandardInput(signal) : await openFile(file);
}

async function openFile(file: string): Promise<ImageSource> {
  const failed = (thrown: unknown) => systemError(`read ${file}`, thrown);
  const handle = await open(file, 'r').catch((thrown: unknown) => {
    throw failed(thrown);
  });
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new UsageError(`${file} is a directory`);
    if (!stats.isFile()) throw new UsageError(`${file} is no regular file: give it on standard input with -`);
    const head = await readAt(handle, 0, headBytes);
    const tail = await readAt(handle, Math.max(0, stats.size - tailBytes), tailBytes);
    return {
      name: basename(file),
      size: stats.size,
      head,
      tail,
      stream: () => readAll(handle, failed),
      async digestAgain(algorithm) {
        const hash = createHash(algorithm);
        for await (const chunk of readAll(handle, failed)) hash.update(chunk);
        return hash.digest('hex');
      },
      [Symbol.asyncDispose]: async () => await handle.close(),
    };
  } catch (thrown) {
    await handle.close();
    throw (thrown as NodeJS.ErrnoException).syscall === undefined ? thrown : failed(thrown);
  }
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

async function* readAll(handle: FileHandle, failed: (thrown: unknown) => Error): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await handle
      .read(Buffer.allocUnsafeSlow(chunkBytes), 0, chunkBytes, position)
      .catch((thrown: unknown) => {
        throw failed(thrown);
      });
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function openStandardInput(signal: AbortSignal): Promise<ImageSource> {
  const { stdin } = process;
  if (stdin.isTTY)
    throw new UsageError('standard input is a terminal: give a file, or send the image in through a pipe');
  const chunks = untilAborted(stdin, signal);
  const taken: Buffer[] = [];
  for (let length = 0; length < headBytes; ) {
    const step = await chunks.next();
    if (step.done) break;
    taken.push(step.value);
    length += step.value.length;
  }
  return {
    name: 'standard input',
    size: null,
    head: Buffer.concat(taken).subarray(0, headBytes),
    tail: null,
    async *stream() {
      yield* taken.splice(0);
      for (let step = await chunks.next(); !step.done; step = await chunks.next()) yield step.value;
    },
    digestAgain: async () => null,
    [Symbol.asyncDispose]: async () => void stdin.destroy(),
  };
}
