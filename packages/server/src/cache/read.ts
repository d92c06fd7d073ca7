/** The bytes of an image out of the cache: from a whole entry, or from one that is still growing. */
import type { FileHandle } from 'node:fs/promises';
import { ioBuffers, Pace } from '../base/buffer-pool.ts';
import { Failure } from '../base/failure.ts';
import { readFile } from '../stores/file/read.ts';
import type { ByteRange } from '../stores/store.ts';
import { type FileMark, isUnwritten } from './entry.ts';
import type { Fill } from './fill.ts';

export type Chunks = AsyncIterableIterator<Uint8Array, undefined>;

/** Opens the data where it really is: whole, or the part of it. */
export type Origin = (range: ByteRange | null) => Promise<Chunks>;

/** `chunks`, and `close` once when they end, however they do; also when nobody has asked for the first. */
function closing(chunks: AsyncGenerator<Uint8Array, undefined>, close: () => Promise<void>): Chunks {
  let closed: Promise<void> | undefined;
  const end = () => {
    closed ??= close();
    return closed;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const step = await chunks.next();
        if (step.done) await end();
        return step;
      } catch (error) {
        await end();
        throw error;
      }
    },
    async return() {
      await chunks.return(undefined);
      await end();
      return { value: undefined, done: true };
    },
  };
}

/**
 * The bytes of `range` from a file whose mark was right when it was opened. What cannot be read any more comes from the
 * origin, after `spoilt` was called. Fails before the last chunk when the file was written to meanwhile: the chunks
 * before it may be wrong then.
 */
export function readWhole(
  file: FileHandle,
  mark: FileMark,
  range: ByteRange,
  origin: Origin,
  spoilt: (why: unknown) => void,
): Chunks {
  const reader = readFile(file, range.first, range.last - range.first + 1);
  async function* chunks(): AsyncGenerator<Uint8Array, undefined> {
    let at = range.first;
    while (at <= range.last) {
      const step = await reader.next().catch(spoilt);
      if (step === undefined || step.done) break;
      at += step.value.length;
      if (at > range.last && !(await isUnwritten(file, mark))) {
        const changed = new Failure('store_unavailable', 'The copy was written to while it was read.');
        spoilt(changed);
        throw changed;
      }
      yield step.value;
    }
    if (at <= range.last) yield* await origin({ first: at, last: range.last });
  }
  return closing(chunks(), async () => {
    await reader.return();
  });
}

/** The whole image as it comes in; should it come no further, the rest is from the origin. Null when it is over. */
export function readGrowing(fill: Fill, origin: Origin): Chunks | null {
  if (!fill.join()) return null;
  const { size } = fill.image;
  async function* chunks(): AsyncGenerator<Uint8Array, undefined> {
    const pace = new Pace();
    let at = 0;
    while (at < size && (await fill.reaches(at))) {
      const buffer = ioBuffers.take(pace.fast);
      let isLent = false;
      try {
        const length = await fill.read(buffer, at);
        if (length === 0) break;
        isLent = true;
        const lentAt = performance.now();
        yield buffer.subarray(0, length);
        isLent = false;
        pace.add(length, performance.now() - lentAt);
        at += length;
      } finally {
        // Who leaves early may have its last chunk on the way to a socket still.
        if (isLent) ioBuffers.drop(buffer);
        else ioBuffers.giveBack(buffer);
      }
    }
    if (at < size) yield* await origin({ first: at, last: size - 1 });
  }
  return closing(chunks(), () => fill.leave());
}
