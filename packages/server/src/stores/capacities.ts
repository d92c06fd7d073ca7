/** How much room each store has, as it said of late: whoever wants to know waits for no store that does not answer. */
import { type Store, type StoreCapacity, unknownCapacity } from './store.ts';

interface Rules {
  /** Milliseconds that an answer, or that there was none, is good for. */
  readonly freshMs: number;
  /** Milliseconds that the answer before is still told while a store is asked again. */
  readonly keptMs: number;
  /** Milliseconds that anybody waits. */
  readonly patienceMs: number;
  /** Milliseconds, of a clock that never goes back. */
  readonly now: () => number;
}

const usual: Rules = { freshMs: 30_000, keptMs: 600_000, patienceMs: 1_000, now: () => performance.now() };

interface Question {
  /** Resolves when there is an answer, and when whoever asks has waited long enough. */
  readonly waited: Promise<void>;
  /** null: no answer yet. */
  endedAt: number | null;
}

interface Said {
  readonly capacity: StoreCapacity;
  readonly at: number;
}

export class Capacities {
  readonly #rules: Rules;
  readonly #questions = new Map<Store, Question>();
  readonly #said = new Map<Store, Said>();

  constructor(rules: Partial<Rules> = {}) {
    this.#rules = { ...usual, ...rules };
  }

  /** Null: nothing can be put there. Never fails: a store that does not say is unknown. */
  async of(store: Store): Promise<StoreCapacity | null> {
    if (store.capacity === undefined) return null;
    const { freshMs, keptMs, now } = this.#rules;
    let question = this.#questions.get(store);
    const isDue = (endedAt: number | null) => endedAt !== null && now() - endedAt >= freshMs;
    if (question === undefined || isDue(question.endedAt)) {
      question = this.#ask(store, store.capacity());
      this.#questions.set(store, question);
    }
    await question.waited;
    const said = this.#said.get(store);
    return said !== undefined && now() - said.at < keptMs ? said.capacity : unknownCapacity;
  }

  /** One at a time: a store that hangs is not asked again. */
  #ask(store: Store, answer: Promise<StoreCapacity>): Question {
    const { patienceMs, now } = this.#rules;
    const { promise: waited, resolve } = Promise.withResolvers<void>();
    const question: Question = { waited, endedAt: null };
    const timer = setTimeout(resolve, patienceMs);
    const ended = () => {
      question.endedAt = now();
      clearTimeout(timer);
      resolve();
    };
    answer.then(
      (capacity) => {
        this.#said.set(store, { capacity, at: now() });
        ended();
      },
      () => {
        this.#said.delete(store);
        ended();
      },
    );
    return question;
  }
}
