/** Memory of the parts of streams, kept for the next stream: new memory of that size sets off two full garbage collections. */

/** Bytes kept at most while no stream has them: as many as one stream needs. */
const mostKept = 64 * 1024 * 1024;

/** Milliseconds after the last stream that they are kept. */
const keptMs = 60_000;

export class PartMemory {
  readonly #milliseconds: number;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #end: NodeJS.Timeout | undefined;

  constructor(milliseconds: number = keptMs) {
    this.#milliseconds = milliseconds;
  }

  /** Bytes that no stream has. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** With whatever is in it. What is new and never written to is never taken from the system. */
  take(length: number): Buffer {
    const at = this.#kept.findLastIndex((buffer) => buffer.length === length);
    return at === -1 ? Buffer.allocUnsafeSlow(length) : this.#remove(at);
  }

  /** To be called once, and only when nobody reads or writes it any more. */
  giveBack(buffer: Buffer): void {
    this.#kept.push(buffer);
    this.#keptBytes += buffer.length;
    while (this.#keptBytes > mostKept) this.#remove(0);
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.#forget(), this.#milliseconds).unref();
  }

  #remove(at: number): Buffer {
    const [buffer] = this.#kept.splice(at, 1);
    this.#keptBytes -= buffer!.length;
    return buffer!;
  }

  #forget(): void {
    this.#kept.length = 0;
    this.#keptBytes = 0;
  }
}

/** Of all streams of this process. */
export const partMemory = new PartMemory();
