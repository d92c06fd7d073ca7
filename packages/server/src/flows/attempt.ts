/** One attempt under way: its signal, its progress, and who may end it before its time. */
import { Failure } from '../base/failure.ts';

/** The run is over for this worker, and nothing of it counts: another has the flow, or gets it. */
export class RunOver extends Error {
  constructor() {
    super('Another worker has this flow.');
    this.name = 'RunOver';
  }
}

export interface AttemptFacts {
  readonly id: string;
  readonly flow: string;
  readonly step: string;
  readonly cancellable: boolean;
  readonly stallMs: number;
  /** Milliseconds that work which was told to end gets to do so. */
  readonly endingMs: number;
}

export class Attempt {
  readonly facts: AttemptFacts;
  done = 0;
  total: number | null = null;
  /** Whether anything moved since the last look. */
  moved = false;
  readonly #controller = new AbortController();
  #movedAt = performance.now();

  constructor(facts: AttemptFacts) {
    this.facts = facts;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  progress(done: number, total?: number): void {
    this.done = done;
    this.total = total ?? this.total;
    this.moved = true;
    this.#movedAt = performance.now();
  }

  /** Ends it when nothing has moved for too long. */
  watch(): void {
    if (performance.now() - this.#movedAt < this.facts.stallMs) return;
    const seconds = Math.round(this.facts.stallMs / 1000);
    this.end(new Failure('step_stalled', `Nothing moved for ${seconds} seconds.`));
  }

  cancel(): void {
    if (this.facts.cancellable) this.end(new Failure('cancelled', 'The work was cancelled.'));
  }

  end(reason: Failure | RunOver): void {
    this.#controller.abort(reason);
  }

  /** Resolves as `work` does; once ended, work that does not listen is left to itself after a while. */
  async settle<T>(work: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    let timer: NodeJS.Timeout | undefined;
    const onEnd = () => {
      timer = setTimeout(() => reject(this.signal.reason), this.facts.endingMs);
    };
    if (this.signal.aborted) onEnd();
    else this.signal.addEventListener('abort', onEnd, { once: true });
    try {
      return await Promise.race([work, late]);
    } catch (error) {
      throw this.signal.aborted ? this.signal.reason : error;
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener('abort', onEnd);
    }
  }
}
