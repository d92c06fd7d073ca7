/** Drives one examination: answers at once what needs no data, and tells what data it waits for. */
import {
  type Answer,
  type Examination,
  type Findings,
  type Glimpse,
  type Need,
  RefusalError,
} from './examination.ts';
import type { Refusal } from './inspection.ts';

/** A need that only the data can answer. */
export type DataNeed = Extract<Need, { kind: 'bytes' | 'member' | 'end' }>;

export interface ExaminerOptions {
  readonly virtualSizeCap: number;
  readonly glimpse: (bytes: Uint8Array) => Glimpse;
}

export class Examiner {
  readonly #examination: Examination;
  readonly #options: ExaminerOptions;
  /** The end of the last stretch: nothing before it can be asked for. */
  #passed = 0;
  #need: DataNeed | null = null;
  #outcome: Findings | Refusal | null = null;

  constructor(examination: Examination, options: ExaminerOptions) {
    this.#examination = examination;
    this.#options = options;
    this.#run(undefined);
  }

  /** Null once it has ended. */
  get need(): DataNeed | null {
    return this.#need;
  }

  /** Null until it has ended. */
  get outcome(): Findings | Refusal | null {
    return this.#outcome;
  }

  get refusal(): Refusal | null {
    return this.#outcome === null ? null : refusalOf(this.#outcome);
  }

  /** To what it needs. */
  answer(answer: Answer): void {
    this.#run(answer);
  }

  #run(first: Answer): void {
    this.#need = null;
    try {
      for (let answer = first; ; ) {
        const step = this.#examination.next(answer);
        if (step.done) {
          this.#outcome = step.value;
          return;
        }
        const need = step.value;
        if (need.kind === 'claim') answer = this.#allow(need.virtualSize);
        else if (need.kind === 'glimpse') answer = this.#options.glimpse(need.bytes);
        else {
          this.#wait(need);
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      this.#outcome = error.refusal;
    }
  }

  #allow(virtualSize: number): undefined {
    const { virtualSizeCap } = this.#options;
    if (virtualSize <= virtualSizeCap) return;
    throw new RefusalError('too_large', `its disk has ${virtualSize} bytes, the limit is ${virtualSizeCap}`);
  }

  #wait(need: DataNeed): void {
    if (need.kind !== 'end') {
      if (need.offset < this.#passed) throw new RefusalError('unsafe', 'its header points backwards');
      this.#passed = need.offset + need.length;
    }
    this.#need = need;
  }
}

export function refusalOf(outcome: Findings | Refusal): Refusal | null {
  return isRefusal(outcome) ? outcome : (outcome.refusal ?? null);
}

export function isRefusal(outcome: Findings | Refusal): outcome is Refusal {
  return 'kind' in outcome;
}
