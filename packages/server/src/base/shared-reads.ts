/** Reads of which few go on at a time; those who wait for the same have one answer. */
import { Failure } from './failure.ts';

interface Waiting {
  readonly answer: Promise<unknown>;
  begin(): void;
}

/** As long as others wait for a connection. */
const usualWaitMs = 10_000;

/**
 * Who asks for what another waits for waits with them: the read begins after each of them has asked, so nobody is told what
 * was so before, and many who ask at the same moment cost little more than one.
 */
export class SharedReads {
  readonly #atOnce: number;
  readonly #waitMs: number;
  #running = 0;
  /** By key, in the order of their turns. There are none while fewer go on than may. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(atOnce: number, waitMs = usualWaitMs) {
    this.#atOnce = atOnce;
    this.#waitMs = waitMs;
  }

  /**
   * What `read` gives, or that of another who waits for `key`; it may be shared, and must not be changed. Fails with
   * unavailable when its turn does not come.
   */
  read<Answer>(key: string, read: () => Promise<Answer>): Promise<Answer> {
    const same = this.#waiting.get(key);
    if (same !== undefined) return same.answer as Promise<Answer>;
    return this.#running < this.#atOnce ? this.#run(read) : this.#wait(key, read);
  }

  #wait<Answer>(key: string, read: () => Promise<Answer>): Promise<Answer> {
    const { promise: answer, resolve, reject } = Promise.withResolvers<Answer>();
    const giveUp = () => {
      this.#waiting.delete(key);
      reject(new Failure('unavailable', 'The database is busy, or does not answer. Try again later.'));
    };
    const timer = setTimeout(giveUp, this.#waitMs);
    const begin = () => {
      this.#waiting.delete(key);
      clearTimeout(timer);
      this.#run(read).then(resolve, reject);
    };
    this.#waiting.set(key, { answer, begin });
    return answer;
  }

  async #run<Answer>(read: () => Promise<Answer>): Promise<Answer> {
    this.#running += 1;
    try {
      return await read();
    } finally {
      this.#running -= 1;
      const [next] = this.#waiting.values();
      next?.begin();
    }
  }
}
