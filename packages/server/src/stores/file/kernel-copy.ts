/** A copy of a file that the kernel makes, stretch by stretch, not far ahead of who reads what has become of it. */
import { constants } from 'node:fs';
import { copyFile, type FileHandle } from 'node:fs/promises';
import { Failure } from '../../base/failure.ts';
import { PooledReader } from '../pooled-reader.ts';
import { type Kernel, loadKernel } from './kernel.ts';

const mebi = 1024 * 1024;

/** Bytes that the kernel is asked for at once: an abort waits for them. */
const stretchBytes = 16 * mebi;
/** Bytes after which the file system is told to begin writing back, so that the last fsync is short. */
const writeBackEvery = 64 * mebi;

/** Makes `to`, which is not there, of the blocks of `from`. False where the file system cannot share them. */
export async function shareBlocks(from: string, to: string): Promise<boolean> {
  const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE;
  return await copyFile(from, to, flags).then(
    () => true,
    () => false,
  );
}

/** What of a copy is there, for its reader. */
export interface Copied {
  /** Resolves with the bytes that are there once those up to `end` are. Fails with what the file system says. */
  reaches(end: number): Promise<number>;
  /** Resolves when nothing is under way any more. */
  settle(): Promise<void>;
}

/** Of a file whose blocks are shared, all is there. */
export function wholeCopy(size: number): Copied {
  return { reaches: async () => size, settle: async () => {} };
}

/** Begins to copy `size` bytes into an empty file. Null where the kernel does not do that between these two. */
export async function beginCopy(from: FileHandle, to: FileHandle, size: number): Promise<Copied | null> {
  const kernel = await loadKernel();
  if (kernel === null) return null;
  await to.truncate(size);
  const copy = new KernelCopy(kernel, from, to, size);
  try {
    await copy.reaches(Math.min(size, 1));
    return copy;
  } catch {
    await copy.settle();
    await to.truncate(0);
    return null;
  }
}

/** The bytes of the copy in `file`, as they come. */
export function readCopied(copied: Copied, file: FileHandle, size: number): PooledReader {
  return new PooledReader({
    first: 0,
    length: size,
    mostAhead: 1,
    read: async (buffer, position) => {
      const there = await copied.reaches(position + 1);
      const length = Math.min(buffer.length, there - position);
      return (await file.read(buffer, 0, length, position)).bytesRead;
    },
    close: () => copied.settle(),
  });
}

class KernelCopy implements Copied {
  readonly #kernel: Kernel;
  readonly #from: FileHandle;
  readonly #to: FileHandle;
  readonly #size: number;
  /** Up to where all is there. */
  #done = 0;
  /** Where the data ends that is being copied; what is up to the next data is a hole. */
  #dataEnd = 0;
  #isStopped = false;
  #copying: Promise<void> | null = null;
  #syncing: Promise<unknown> | null = null;
  #syncedAt = 0;

  constructor(kernel: Kernel, from: FileHandle, to: FileHandle, size: number) {
    this.#kernel = kernel;
    this.#from = from;
    this.#to = to;
    this.#size = size;
  }

  async reaches(end: number): Promise<number> {
    while (this.#done < end) await this.#goOn();
    // The next stretch while these bytes are read.
    if (this.#done < this.#size && this.#done - end < stretchBytes) this.#goOn().catch(() => {});
    return this.#done;
  }

  async settle(): Promise<void> {
    this.#isStopped = true;
    await this.#copying?.catch(() => {});
    await this.#syncing?.catch(() => {});
  }

  #goOn(): Promise<void> {
    this.#copying ??= this.#next().finally(() => {
      this.#copying = null;
    });
    return this.#copying;
  }

  async #next(): Promise<void> {
    if (this.#isStopped) throw new Error('The copy was given up.');
    const bytes = Math.min(stretchBytes, this.#toData());
    if (bytes === 0) return;
    const copied = await this.#kernel.copy(this.#from.fd, this.#to.fd, bytes);
    if (copied === 0)
      throw new Failure('store_unavailable', 'The stored data ends before its recorded size.');
    this.#done += copied;
    if (this.#done - this.#syncedAt < writeBackEvery) return;
    await this.#syncing;
    this.#syncedAt = this.#done;
    this.#syncing = this.#to.datasync();
    // Told by the next one, or the last fsync.
    this.#syncing.catch(() => {});
  }

  /** Goes over a hole; resolves with the bytes of data from there on, 0 at the end. */
  #toData(): number {
    if (this.#done < this.#dataEnd) return this.#dataEnd - this.#done;
    const [kernel, from] = [this.#kernel, this.#from.fd];
    const data = kernel.dataFrom(from, this.#done) ?? this.#size;
    this.#done = Math.min(data, this.#size);
    if (this.#done === this.#size) return 0;
    this.#dataEnd = Math.min(kernel.holeFrom(from, data), this.#size);
    kernel.seek(from, data);
    kernel.seek(this.#to.fd, data);
    return this.#dataEnd - this.#done;
  }
}
