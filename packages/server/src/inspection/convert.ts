/** Turns a disk into another format; what a guest sees is the same before and after, and has a digest. */
import { stat } from 'node:fs/promises';
import { Failure } from '../base/failure.ts';
import type { Inspected } from './inspect.ts';
import { digestOfDisk, inspectFile } from './inspect-file.ts';
import {
  type Disk,
  type QemuWork,
  qemuCheck,
  qemuCompare,
  qemuConvert,
  type TargetFormat,
} from './qemu-img.ts';
import type { Sandbox } from './sandbox.ts';
import { tooLarge } from './unpacking/too-large.ts';

export interface Conversion {
  readonly from: Disk;
  /** What inspection found of it, which has passed it. */
  readonly seen: Inspected;
  /** The file is there and empty. */
  readonly to: Disk & { readonly format: TargetFormat };
  /** Whether a qcow2 shall be compressed. */
  readonly compress: boolean;
  /** Bytes that may be written, holes apart. */
  readonly mostWritten: number;
  /** Gives the path of an empty file that is gone afterwards. */
  readonly scratch: <T>(work: (path: string) => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
  /** Of all there is to do, from 0 to 1. */
  readonly tell: (part: number) => void;
}

export interface Converted {
  /** sha256 in hex of the bytes that a guest sees. */
  readonly diskDigest: string;
  readonly virtualSize: number;
}

/** Fails with conversion_failed, unpack_cap when it grows beyond `mostWritten`, store_full or step_stalled. */
export async function convertDisk(sandbox: Sandbox, conversion: Conversion): Promise<Converted> {
  const { from, to, scratch } = conversion;
  const isDirect = from.format === 'raw' || to.format === 'raw';
  const work = new Work(sandbox, conversion, isDirect ? 3 : 5);
  if (isDirect) return await work.transfer(from, to, from.format === 'raw' ? from.path : to.path);
  return await scratch(async (path) => {
    const between = { path, format: 'raw' } as const;
    const { diskDigest } = await work.transfer(from, between, path);
    return { diskDigest, ...(await work.transfer(between, to)) };
  });
}

/** Its parts, each as long as the others as far as anybody can tell. */
class Work {
  readonly #sandbox: Sandbox;
  readonly #conversion: Conversion;
  readonly #parts: number;
  /** What is done of each that has begun, from 0 to 1. */
  readonly #done: number[] = [];

  constructor(sandbox: Sandbox, conversion: Conversion, parts: number) {
    this.#sandbox = sandbox;
    this.#conversion = conversion;
    this.#parts = parts;
  }

  /** Converts, inspects what came of it, looks whether all of the source was there, and compares. `raw`: which of both to take the digest of. */
  async transfer(from: Disk, to: Conversion['to'], raw: string): Promise<Converted>;
  async transfer(from: Disk, to: Conversion['to']): Promise<Pick<Converted, 'virtualSize'>>;
  async transfer(from: Disk, to: Conversion['to'], raw?: string) {
    const { compress, signal } = this.#conversion;
    await this.#part(signal, (work) =>
      this.#withinBounds(to.path, work, (bounded) => qemuConvert(this.#sandbox, from, to, compress, bounded)),
    );
    const { virtualSize } = await inspectFile(to.path, {
      diskFormat: to.format,
      containerFormat: 'bare',
      requireMatch: true,
    });
    this.#requireSize(virtualSize, to.format);
    const [, diskDigest] = await together(signal, [
      (own) => this.#part(own, (work) => this.#prove(from, to, work)),
      async (own) => (raw === undefined ? null : await this.#digest(raw, own)),
    ]);
    return { virtualSize: virtualSize!, ...(diskDigest === null ? {} : { diskDigest }) };
  }

  async #prove(from: Disk, to: Conversion['to'], work: QemuWork): Promise<void> {
    // Not before: what is a bomb to convert keeps a check busy, too, and only the former shows at once.
    if (from.format !== 'raw') await qemuCheck(this.#sandbox, from, work);
    await qemuCompare(this.#sandbox, from, to, work);
  }

  async #digest(path: string, own: AbortSignal): Promise<string> {
    const size = Math.max(1, this.#conversion.seen.virtualSize ?? 1);
    return await this.#part(own, ({ signal, tell }) =>
      digestOfDisk(path, signal, (done) => tell((done / size) * 100)),
    );
  }

  async #part<T>(signal: AbortSignal, work: (work: QemuWork) => Promise<T>): Promise<T> {
    const { seen, tell } = this.#conversion;
    const number = this.#done.push(0) - 1;
    const told = (percent: number) => {
      this.#done[number] = Math.max(this.#done[number]!, Math.min(percent, 100) / 100);
      tell(this.#done.reduce((sum, part) => sum + part, 0) / this.#parts);
    };
    const result = await work({ virtualSize: seen.virtualSize ?? 0, signal, tell: told });
    this.#done[number] = 1;
    return result;
  }

  /** A few bytes can claim a disk that is nowhere empty: what it takes shows only while it is written. */
  async #withinBounds(
    path: string,
    work: QemuWork,
    convert: (work: QemuWork) => Promise<void>,
  ): Promise<void> {
    const { mostWritten } = this.#conversion;
    const burst = new AbortController();
    const watch = setInterval(async () => {
      const blocks = await stat(path).then(
        (found) => found.blocks,
        () => 0,
      );
      if (blocks * 512 > mostWritten) burst.abort(tooLarge(mostWritten));
    }, 100);
    try {
      await convert({ ...work, signal: AbortSignal.any([work.signal, burst.signal]) });
    } finally {
      clearInterval(watch);
    }
    burst.signal.throwIfAborted();
  }

  /** Disks end where sectors do: a raw file that does not is continued with zeros. */
  #requireSize(size: number | null, format: string): void {
    const expected = this.#conversion.seen.virtualSize ?? 0;
    if (size === expected || size === Math.ceil(expected / 512) * 512) return;
    throw new Failure(
      'conversion_failed',
      `The disk has ${expected} bytes, and ${size} as ${format}: it was not converted faithfully.`,
    );
  }
}

/** Both at once. When one fails the other is ended, and has ended when that failure is thrown. */
async function together<A, B>(
  signal: AbortSignal,
  [first, second]: readonly [(own: AbortSignal) => Promise<A>, (own: AbortSignal) => Promise<B>],
): Promise<[A, B]> {
  const failing = new AbortController();
  const own = AbortSignal.any([signal, failing.signal]);
  const watched = async <T>(work: (own: AbortSignal) => Promise<T>) => {
    try {
      return await work(own);
    } catch (error) {
      failing.abort(error);
      throw error;
    }
  };
  const [one, other] = await Promise.allSettled([watched(first), watched(second)]);
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value];
  throw failing.signal.reason;
}
