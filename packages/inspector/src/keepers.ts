/** Keep the first and the last bytes of a passing stream. */
import { headBytes, tailBytes } from './inspection.ts';

/** The first `headBytes` bytes, in memory that grows with them. */
export class HeadKeeper {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get full(): boolean {
    return this.#length === headBytes;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes what there is room for; the result is how much. */
  add(chunk: Uint8Array): number {
    const taken = Math.min(chunk.length, headBytes - this.#length);
    this.#grow(this.#length + taken);
    this.#bytes.set(chunk.subarray(0, taken), this.#length);
    this.#length += taken;
    return taken;
  }

  #grow(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.min(headBytes, Math.max(length, this.#bytes.length * 2)));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}

/** The last `tailBytes` bytes. */
export class TailKeeper {
  // Twice as much: small chunks are appended, and moved to the front only when there is no room.
  #bytes: Uint8Array | null = null;
  #length = 0;

  add(chunk: Uint8Array): void {
    const last = chunk.length > tailBytes ? chunk.subarray(chunk.length - tailBytes) : chunk;
    this.#bytes ??= new Uint8Array(2 * tailBytes);
    if (this.#length + last.length > this.#bytes.length) {
      const kept = tailBytes - last.length;
      this.#bytes.copyWithin(0, this.#length - kept, this.#length);
      this.#length = kept;
    }
    this.#bytes.set(last, this.#length);
    this.#length += last.length;
  }

  get bytes(): Uint8Array {
    return (this.#bytes ?? new Uint8Array(0)).subarray(Math.max(0, this.#length - tailBytes), this.#length);
  }
}
