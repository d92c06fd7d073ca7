/** Writes a stream of chunks to a file: one write under way, the next bytes gathered meanwhile. */
import type { FileHandle } from 'node:fs/promises';
import { ioBuffers } from '../../base/buffer-pool.ts';

/** Bytes after which the file system is told to begin writing back, so that the last fsync is short. */
const writeBackEvery = 32 * 1024 * 1024;

/**
 * Bytes are copied on arrival: a chunk may be reused by its source at once, and however many uploads
 * trickle, none holds more than one buffer while it waits for data.
 */
export class FileWriter {
  readonly #file: FileHandle;
  #gathering: Buffer | null = null;
  #gathered = 0;
  #writing: Promise<void> | null = null;
  #syncing: Promise<void> | null = null;
  #written = 0;
  #syncedAt = 0;
  #error: unknown = null;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Bytes handed to the file. */
  get size(): number {
    return this.#written + this.#gathered;
  }

  /** Waits only when the file does not keep up. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#error !== null) throw this.#error;
    const room = this.#gathering === null ? ioBuffers.smallBytes : this.#gathering.length - this.#gathered;
    if (chunk.length > room) return this.#writeSlowly(chunk);
    this.#gather(chunk);
    if (this.#writing === null) this.#start();
    return undefined;
  }

  /** Resolves when every byte is on the medium. */
  async finish(): Promise<void> {
    await this.#drain();
    await this.#syncing;
    await this.#file.sync();
  }

  /** Resolves when nothing is under way any more; what failed is forgotten. */
  async settle(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#syncing?.catch(() => undefined);
    if (this.#gathering !== null) ioBuffers.giveBack(this.#gathering);
    this.#gathering = null;
    this.#gathered = 0;
  }

  async #writeSlowly(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      this.#gathering ??= ioBuffers.takeLarge();
      const room = this.#gathering.length - this.#gathered;
      if (room === 0) {
        if (this.#writing === null) this.#start();
        else await this.#writing;
        if (this.#error !== null) throw this.#error;
        continue;
      }
      this.#gather(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
    if (this.#writing === null) this.#start();
  }

  #gather(bytes: Uint8Array): void {
    this.#gathering ??= this.#writing === null ? ioBuffers.takeSmall() : ioBuffers.takeLarge();
    this.#gathering.set(bytes, this.#gathered);
    this.#gathered += bytes.length;
  }

  #start(): void {
    const buffer = this.#gathering!;
    const length = this.#gathered;
    this.#gathering = null;
    this.#gathered = 0;
    this.#writing = this.#writeAll(buffer, length).then(
      () => this.#wrote(length),
      (error) => {
        this.#writing = null;
        this.#error = error;
      },
    );
  }

  #wrote(length: number): void {
    this.#writing = null;
    this.#written += length;
    if (this.#gathered > 0) this.#start();
    if (this.#syncing !== null || this.#written - this.#syncedAt < writeBackEvery) return;
    this.#syncedAt = this.#written;
    this.#syncing = this.#file.datasync().then(
      () => {
        this.#syncing = null;
      },
      (error) => {
        this.#syncing = null;
        this.#error ??= error;
      },
    );
  }

  async #writeAll(buffer: Buffer, length: number): Promise<void> {
    try {
      for (let done = 0; done < length; ) {
        const { bytesWritten } = await this.#file.write(buffer, done, length - done, null);
        done += bytesWritten;
      }
    } finally {
      ioBuffers.giveBack(buffer);
    }
  }

  async #drain(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    if (this.#error !== null) throw this.#error;
  }
}
