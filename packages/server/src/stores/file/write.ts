/** Writes a stream of chunks to a file: one write under way, the next bytes gathered meanwhile. */
import type { FileHandle } from 'node:fs/promises';
import { ioBuffers, Pace } from '../../base/buffer-pool.ts';
import { copyInto } from '../../base/copy-into.ts';

/** Bytes after which the file system is told to begin writing back, so that the last fsync is short. */
const writeBackEvery = 32 * 1024 * 1024;

/** Bytes that are looked at together for whether they are zeros, at places that are multiples of it: whole blocks of any file system. */
const granule = 64 * 1024;
const zeros = Buffer.alloc(granule);

/** Each keeps one of the process's few file system threads, which reads and writes need too. */
const writeBacksAtOnce = 2;
let writeBacks = 0;

/**
 * Bytes are copied on arrival: a chunk may be reused by its source at once, few large writes cost less
 * than many small ones, and however many uploads trickle, none holds more than one small buffer.
 */
export class FileWriter {
  readonly #file: FileHandle;
  readonly #isThin: boolean;
  readonly #pace = new Pace();
  #gathering: Buffer = ioBuffers.take(false);
  #gathered = 0;
  #gatheringSince = performance.now();
  #writing: Promise<void> | null = null;
  #syncing: Promise<void> | null = null;
  #written = 0;
  #syncedAt = 0;
  #error: unknown = null;

  /** `isThin`: zeros are left out where a hole in the file does for them. */
  constructor(file: FileHandle, isThin = false) {
    this.#file = file;
    this.#isThin = isThin;
  }

  /** Bytes handed to the file. */
  get size(): number {
    return this.#written + this.#gathered;
  }

  /** Waits only when the file does not keep up. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#error !== null) throw this.#error;
    if (chunk.length >= this.#gathering.length - this.#gathered) return this.#writeOn(chunk);
    this.#gather(chunk);
    return undefined;
  }

  /** Resolves when every byte is on the medium. */
  async finish(): Promise<void> {
    await this.#writing;
    if (this.#gathered > 0) this.#start();
    await this.#writing;
    await this.#syncing;
    if (this.#error !== null) throw this.#error;
    if (this.#isThin) await this.#file.truncate(this.#written);
    await this.#file.sync();
  }

  /** Resolves when nothing is under way any more; what failed is forgotten. */
  async settle(): Promise<void> {
    await this.#writing;
    await this.#syncing;
    ioBuffers.giveBack(this.#gathering);
  }

  async #writeOn(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    for (;;) {
      const room = this.#gathering.length - this.#gathered;
      this.#gather(rest.subarray(0, room));
      if (rest.length < room) return;
      rest = rest.subarray(room);
      if (this.#writing !== null) await this.#writing;
      if (this.#error !== null) throw this.#error;
      this.#start();
    }
  }

  #gather(bytes: Uint8Array): void {
    copyInto(this.#gathering, this.#gathered, bytes);
    this.#gathered += bytes.length;
  }

  /** Only while nothing is being written. */
  #start(): void {
    const [buffer, length, now] = [this.#gathering, this.#gathered, performance.now()];
    this.#pace.add(length, now - this.#gatheringSince);
    this.#gathering = ioBuffers.take(this.#pace.fast);
    this.#gathered = 0;
    this.#gatheringSince = now;
    this.#writing = this.#writeAll(buffer, length)
      .then(() => {
        this.#written += length;
        this.#writeBack();
      })
      .catch((error) => {
        this.#error ??= error;
      })
      .finally(() => {
        this.#writing = null;
      });
  }

  #writeBack(): void {
    const due = this.#written - this.#syncedAt >= writeBackEvery;
    if (!due || this.#syncing !== null || writeBacks === writeBacksAtOnce) return;
    this.#syncedAt = this.#written;
    writeBacks += 1;
    this.#syncing = this.#file
      .datasync()
      .catch((error) => {
        this.#error ??= error;
      })
      .finally(() => {
        writeBacks -= 1;
        this.#syncing = null;
      });
  }

  async #writeAll(buffer: Buffer, length: number): Promise<void> {
    try {
      for (const [from, to] of this.#isThin
        ? spansOf(buffer, length, this.#written)
        : ([[0, length]] as const))
        for (let done = from; done < to; ) {
          const { bytesWritten } = await this.#file.write(buffer, done, to - done, this.#written + done);
          done += bytesWritten;
        }
    } finally {
      ioBuffers.giveBack(buffer);
    }
  }
}

/** The parts of a buffer to be written at `position` of a file that are not zeros, each from and up to a place in the buffer. */
function spansOf(buffer: Buffer, length: number, position: number): [number, number][] {
  const spans: [number, number][] = [];
  for (let from = 0; from < length; ) {
    const to = Math.min(length, from + granule - ((position + from) % granule));
    const last = spans.at(-1);
    const isZero = buffer.compare(zeros, 0, to - from, from, to) === 0;
    if (!isZero && last?.[1] === from) last[1] = to;
    else if (!isZero) spans.push([from, to]);
    from = to;
  }
  return spans;
}
