/** Reused buffers within a budget, so that memory stays flat however many bytes and readers pass. */

export interface BufferPoolOptions {
  /** Bytes of a large buffer. */
  readonly large: number;
  /** Bytes of a small buffer; given out even when the budget is used up. */
  readonly small: number;
  /** Bytes of large buffers that may be out at once. */
  readonly budget: number;
}

/** Bytes per millisecond from which on a stream is worth a large buffer: 16 MiB/s. */
const fastRate = (16 * 1024 * 1024) / 1000;

/** Whether a stream that moved `bytes` in that time is worth a large buffer; one that trickles is not. */
export function isFast(bytes: number, milliseconds: number): boolean {
  return bytes > 0 && bytes >= milliseconds * fastRate;
}

/** Gives out uninitialised buffers of two sizes. What is taken must be given back once, and not used after. */
export class BufferPool {
  readonly #options: BufferPoolOptions;
  readonly #freeLarge: Buffer[] = [];
  readonly #freeSmall: Buffer[] = [];
  #largeOut = 0;

  constructor(options: BufferPoolOptions) {
    this.#options = options;
  }

  /** Bytes of large buffers now given out. */
  get largeBytesOut(): number {
    return this.#largeOut * this.#options.large;
  }

  /** Large when that is asked for and the budget allows it, else small. */
  take(large: boolean): Buffer {
    if (!large || (this.#largeOut + 1) * this.#options.large > this.#options.budget) {
      return this.#freeSmall.pop() ?? Buffer.allocUnsafeSlow(this.#options.small);
    }
    this.#largeOut += 1;
    return this.#freeLarge.pop() ?? Buffer.allocUnsafeSlow(this.#options.large);
  }

  giveBack(buffer: Buffer): void {
    const { large, small } = this.#options;
    this.drop(buffer);
    if (buffer.length === large && this.#freeLarge.length < keep(large)) this.#freeLarge.push(buffer);
    if (buffer.length === small && this.#freeSmall.length < keep(small)) this.#freeSmall.push(buffer);
  }

  /** Gives back a buffer that somebody may still be using: nobody else will get it. */
  drop(buffer: Buffer): void {
    if (buffer.length === this.#options.large) this.#largeOut -= 1;
  }
}

/** Idle buffers worth keeping: 8 MiB of a size; the rest goes back to the system. */
function keep(size: number): number {
  return Math.max(1, Math.floor((8 * 1024 * 1024) / size));
}

/** What file reads and writes of this process share. */
export const ioBuffers = new BufferPool({ large: 1024 * 1024, small: 64 * 1024, budget: 64 * 1024 * 1024 });
