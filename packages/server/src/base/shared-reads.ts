/** Reads of which few go on at a time; those who wait for the same have one answer. */
import pLimit, { type LimitFunction } from 'p-limit';

/**
 * Who asks for what another waits for waits with them: the read begins after each of them has asked, so nobody is told what
 * was so before, and many who ask at the same moment cost little more than one.
 */
export class SharedReads {
  readonly #limit: LimitFunction;
  /** Not yet begun, by key. */
  readonly #waiting = new Map<string, Promise<unknown>>();

  constructor(atOnce: number) {
    this.#limit = pLimit(atOnce);
  }

  /** What `read` gives, or that of another who waits for `key`; it may be shared, and must not be changed. */
  read<Answer>(key: string, read: () => Promise<Answer>): Promise<Answer> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting as Promise<Answer>;
    const answer = this.#limit(() => {
      this.#waiting.delete(key);
      return read();
    });
    this.#waiting.set(key, answer);
    return answer;
  }
}
