/** Reused buffers within a budget, so that memory stays flat however many bytes and readers pass. */

export interface BufferPoolOptions<Kind extends Uint8Array> {
  /** Of that many bytes, with whatever is in them. */
  readonly make: (bytes: number) => Kind;
  /** Frees the memory of a buffer at once, where that can be done; otherwise it goes when it is collected. */
  readonly free?: (buffer: Kind) => void;
  /** Bytes of a large buffer. */
  readonly large: number;
  /** Bytes of a small buffer; given out even when the budget is used up. */
  readonly small: number;
  /** Bytes of large buffers that may be out at once. */
  readonly budget: number;
  /** Bytes of idle small buffers worth keeping. */
  readonly keptSmall: number;
}

/** Bytes per millisecond from which on a stream is worth large buffers: 16 MiB/s. */
const fastRate = (16 * 1024 * 1024) / 1000;

/** Bytes over which a stream is judged: a burst of a slow sender is shorter. */
const paceBytes = 512 * 1024;

/** Whether a stream is fast enough to be worth large buffers; one that trickles is not. */
export class Pace {
  #bytes = 0;
  #milliseconds = 0;
  #fast = false;

  get fast(): boolean {
    return this.#fast;
  }

  /** `bytes` took that long. */
  add(bytes: number, milliseconds: number): void {
    this.#bytes += bytes;
    this.#milliseconds += milliseconds;
    if (this.#bytes < paceBytes) return;
    this.#fast = this.#bytes >= this.#milliseconds * fastRate;
    this.#bytes = 0;
    this.#milliseconds = 0;
  }
}

/** Gives out buffers of two sizes. What is taken must be given back once, and not used after. */
export class BufferPool<Kind extends Uint8Array> {
  readonly #options: BufferPoolOptions<Kind>;
  readonly #freeLarge: Kind[] = [];
  readonly #freeSmall: Kind[] = [];
  #largeOut = 0;

  constructor(options: BufferPoolOptions<Kind>) {
    this.#options = options;
  }

  /** Bytes of large buffers now given out. */
  get largeBytesOut(): number {
    return this.#largeOut * this.#options.large;
  }

  /** Large when that is asked for and the budget allows it, else small. */
  take(large: boolean): Kind {
    const { make } = this.#options;
    if (!large || (this.#largeOut + 1) * this.#options.large > this.#options.budget) {
      return this.#freeSmall.pop() ?? make(this.#options.small);
    }
    this.#largeOut += 1;
    return this.#freeLarge.pop() ?? make(this.#options.large);
  }

  giveBack(buffer: Kind): void {
    const { large, small, keptSmall, free } = this.#options;
    this.drop(buffer);
    if (buffer.length === large) this.#freeLarge.push(buffer);
    else if (this.#freeSmall.length < keptSmall / small) this.#freeSmall.push(buffer);
    else free?.(buffer);
  }

  /** Gives back a buffer that somebody may still be using: nobody else will get it. */
  drop(buffer: Kind): void {
    if (buffer.length === this.#options.large) this.#largeOut -= 1;
  }
}

/** What file reads and writes of this process share. */
export const ioBuffers = new BufferPool<Buffer>({
  make: Buffer.allocUnsafeSlow,
  free: (buffer) => void (buffer.buffer as ArrayBuffer).transfer(0),
  large: 1024 * 1024,
  small: 64 * 1024,
  budget: 48 * 1024 * 1024,
  keptSmall: 8 * 1024 * 1024,
});
