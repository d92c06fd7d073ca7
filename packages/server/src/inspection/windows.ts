/** Keeps small parts of a passing stream: its end, and stretches that an examination asks for. */
import { ioBuffers } from '../base/buffer-pool.ts';
import { type Examination, headBytes, unsafe } from './formats/format.ts';

/** The first bytes of a stream, `headBytes` at most, in a pooled buffer. */
export class HeadKeeper {
  readonly #buffer = ioBuffers.take(false);
  #length = 0;

  get full(): boolean {
    return this.#length === headBytes;
  }

  /** Valid until `release`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Takes what there is room for; the result is the rest. */
  add(chunk: Uint8Array): Uint8Array {
    const taken = Math.min(chunk.length, headBytes - this.#length);
    this.#buffer.set(chunk.subarray(0, taken), this.#length);
    this.#length += taken;
    return chunk.subarray(taken);
  }

  release(): void {
    ioBuffers.giveBack(this.#buffer);
  }
}

/** The last `limit` bytes of a stream. */
export class TailKeeper {
  readonly #limit: number;
  readonly #bytes: Buffer;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
    // Twice the limit: small chunks are appended, and moved to the front only when there is no room.
    this.#bytes = Buffer.alloc(2 * limit);
  }

  add(chunk: Uint8Array): void {
    const last = chunk.length > this.#limit ? chunk.subarray(chunk.length - this.#limit) : chunk;
    if (this.#length + last.length > this.#bytes.length) {
      const kept = this.#limit - last.length;
      this.#bytes.copy(this.#bytes, 0, this.#length - kept, this.#length);
      this.#length = kept;
    }
    this.#bytes.set(last, this.#length);
    this.#length += last.length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(Math.max(0, this.#length - this.#limit), this.#length);
  }
}

/** Serves the windows of one examination as their bytes come by. */
export class WindowReader {
  readonly #examination: Examination;
  #position: number;
  #kept: Buffer | null = null;
  #length = 0;

  /** `position`: how much of the stream has gone by. */
  constructor(examination: Examination, position: number) {
    this.#examination = examination;
    this.#position = position;
  }

  add(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const wants = this.#examination.wants;
      if (wants === null) break;
      const missing = wants.offset + this.#length - this.#position;
      if (missing < 0) throw unsafe('its header points backwards');
      const skipped = Math.min(missing, rest.length);
      const taken = rest.subarray(skipped, skipped + wants.length - this.#length);
      this.#kept ??= Buffer.alloc(wants.length);
      this.#kept.set(taken, this.#length);
      this.#length += taken.length;
      this.#position += skipped + taken.length;
      rest = rest.subarray(skipped + taken.length);
      if (this.#length === wants.length) this.#serve();
    }
    this.#position += rest.length;
  }

  /** The stream has ended: hands over what there is of the window that is open. */
  end(): void {
    if (this.#examination.wants !== null) this.#serve();
  }

  #serve(): void {
    const bytes = (this.#kept ?? Buffer.alloc(0)).subarray(0, this.#length);
    this.#kept = null;
    this.#length = 0;
    this.#examination.see(bytes);
  }
}
