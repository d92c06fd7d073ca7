/** Reused buffers within a budget, so that memory stays flat however many bytes and readers pass. */

export interface BufferPoolOptions {
  /** Bytes of a large buffer. */
  readonly large: number;
  /** Bytes of a small buffer; given out even when the budget is used up. */
  readonly small: number;
  /** Bytes of large buffers that may be out at once. */
  readonly budget: number;
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

  /** Bytes of a small buffer. */
  get smallBytes(): number {
    return this.#options.small;
  }

  takeSmall(): Buffer {
    return this.#freeSmall.pop() ?? Buffer.allocUnsafeSlow(this.#options.small);
  }

  /** A large buffer, or a small one when the budget is used up. */
  takeLarge(): Buffer {
    const { large, budget } = this.#options;
    if ((this.#largeOut + 1) * large > budget) return this.takeSmall();
    this.#largeOut += 1;
    return this.#freeLarge.pop() ?? Buffer.allocUnsafeSlow(large);
  }

  giveBack(buffer: Buffer): void {
    const { large, small } = this.#options;
    if (buffer.length === large) {
      this.#largeOut -= 1;
      if (this.#freeLarge.length < keep(large)) this.#freeLarge.push(buffer);
    } else if (buffer.length === small && this.#freeSmall.length < keep(small)) {
      this.#freeSmall.push(buffer);
    }
  }
}

/** Idle buffers worth keeping: 8 MiB of a size; the rest goes back to the system. */
function keep(size: number): number {
  return Math.max(1, Math.floor((8 * 1024 * 1024) / size));
}

/** What file reads and writes of this process share. */
export const ioBuffers = new BufferPool({ large: 1024 * 1024, small: 64 * 1024, budget: 64 * 1024 * 1024 });
