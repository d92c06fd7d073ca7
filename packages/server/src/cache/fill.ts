/** A copy on its way in: whoever wants the image meanwhile reads what is there of it. */
import { Failure } from '../base/failure.ts';
import { pull } from '../stores/pull.ts';
import { type ImageFacts, measureOf } from './entry.ts';
import type { Draft } from './folder.ts';

/** The origin's data is not the image: nothing that was read of it is to be believed. */
const wrong: ReadonlySet<string> = new Set(['digest_mismatch', 'size_mismatch']);

export class Fill {
  readonly image: ImageFacts;
  /** Its image was deleted: those who read may go on, but it becomes no entry. */
  unwanted = false;
  readonly #draft: Draft;
  #written = 0;
  #isVerified = false;
  #failure: unknown = null;
  #moved = Promise.withResolvers<void>();
  #users = 1;

  /** Whoever makes it has to `leave`, too. */
  constructor(image: ImageFacts, draft: Draft) {
    this.image = image;
    this.#draft = draft;
  }

  /** Writes everything and verifies it; fails when `source` does, is silent for `stallMs`, or is not the image. */
  async run(source: AsyncIterable<Uint8Array>, signal: AbortSignal, stallMs: number): Promise<void> {
    const stalled = new AbortController();
    const why = new Failure('store_unavailable', `No data came for ${stallMs / 1000} seconds.`);
    const timer = setTimeout(() => stalled.abort(why), stallMs);
    try {
      const measured = measureOf(this.image).through(source);
      await pull(measured, AbortSignal.any([signal, stalled.signal]), async (chunk) => {
        await this.#write(chunk);
        timer.refresh();
      });
      this.#isVerified = true;
    } catch (error) {
      this.#failure = error;
      throw error;
    } finally {
      clearTimeout(timer);
      this.#tell();
    }
  }

  /**
   * True once the byte at `position` can be read; false when it never will, and has to come from the origin. Fails
   * when the origin's data is wrong.
   */
  async reaches(position: number): Promise<boolean> {
    for (;;) {
      if (this.#failure instanceof Failure && wrong.has(this.#failure.code)) throw this.#failure;
      if (position < this.#readable) return true;
      if (this.#failure !== null) return false;
      await this.#moved.promise;
    }
  }

  /** Puts what can be read from `position` on into `buffer`; resolves with how many bytes that were. */
  async read(buffer: Buffer, position: number): Promise<number> {
    const length = Math.min(buffer.length, this.#readable - position);
    const { bytesRead } = await this.#draft.file.read(buffer, 0, length, position);
    return bytesRead;
  }

  /** For another reader, who has to `leave`; false when it is over. */
  join(): boolean {
    if (this.#users === 0) return false;
    this.#users += 1;
    return true;
  }

  /** The last to leave closes the file. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.#draft.file.close();
  }

  /** Without the last byte until the digest is known: nobody takes for whole what is not right. */
  get #readable(): number {
    return this.#isVerified ? this.image.size : Math.min(this.#written, this.image.size - 1);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const { file } = this.#draft;
    for (let done = 0; done < chunk.length; ) {
      const at = this.#written + done;
      const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at);
      done += bytesWritten;
    }
    this.#written += chunk.length;
    this.#tell();
  }

  #tell(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers<void>();
  }
}
