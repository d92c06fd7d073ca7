/** Inspects data while it passes, in chunks of any size. */
import { conclude } from './conclude.ts';
import type { Glimpse } from './examination.ts';
import { Examiner, type ExaminerOptions } from './examiner.ts';
import type { Inspection, InspectOptions, Recognition, Refusal } from './inspection.ts';
import { HeadKeeper, TailKeeper } from './keepers.ts';
import { Passing } from './passing.ts';
import { examinationOf, type Recognised, recognise } from './recognise.ts';

/**
 * Keeps the first 64 KiB until they are recognised, the last 4 KiB, and what the formats recognised ask
 * for, 1.5 MiB at most. Never throws, whatever the data is. A chunk may be reused after `update`.
 */
export class Inspector {
  readonly #options: InspectOptions;
  readonly #depth: number;
  readonly #tail = new TailKeeper();
  /** Null once it was recognised. */
  #head: HeadKeeper | null = new HeadKeeper();
  #size = 0;
  #recognised: Recognised | null = null;
  #passing: readonly Passing[] = [];
  #result: Inspection | null = null;

  /** `depth`: how many layers of archives are opened. */
  constructor(options: InspectOptions = {}, depth = 1) {
    this.#options = options;
    this.#depth = depth;
  }

  update(chunk: Uint8Array): void {
    this.#size += chunk.length;
    this.#tail.add(chunk);
    let rest = chunk;
    if (this.#head !== null) {
      rest = chunk.subarray(this.#head.add(chunk));
      if (!this.#head.full) return;
      this.#recognise(this.#head);
    }
    if (rest.length > 0) for (const passing of this.#passing) passing.add(rest);
  }

  /** What the first bytes show; null before 64 KiB have passed. */
  get recognition(): Recognition | null {
    return this.#recognised;
  }

  /** Why the data is refused, once the bytes seen so far decide it. */
  get refusal(): Refusal | null {
    if (this.#result !== null) return this.#result.refusal;
    const found = this.#passing.map(({ examiner }) => examiner.refusal).find((refusal) => refusal !== null);
    return this.#recognised?.refusal ?? found ?? null;
  }

  /** There is no more data. May be called again, with the same result. */
  finish(): Inspection {
    this.#result ??= this.#conclude();
    return this.#result;
  }

  /** What the bytes so far show, when the rest will not come. */
  glimpse(): Glimpse {
    if (this.#head !== null) this.#recognise(this.#head);
    const { formats, looksLike } = this.#recognised!;
    return { formats, looksLike, refusal: this.refusal };
  }

  #recognise(head: HeadKeeper): void {
    this.#head = null;
    this.#recognised = recognise(head.bytes);
    const options = examinerOptions(this.#options);
    this.#passing = this.#recognised.matching.map((format) => {
      const examination = examinationOf(format, this.#depth, this.#options);
      return new Passing(
        new Examiner(examination, options),
        () => new Inspector(this.#options, this.#depth - 1),
      );
    });
    for (const passing of this.#passing) passing.add(head.bytes);
  }

  #conclude(): Inspection {
    if (this.#head !== null) this.#recognise(this.#head);
    const end = { tail: this.#tail.bytes, size: this.#size };
    for (const passing of this.#passing) passing.end(end);
    const outcomes = this.#passing.map(({ examiner }) => examiner.outcome!);
    return conclude(this.#recognised!, outcomes, end, this.#options.virtualSizeCap);
  }
}

/** Of an examination of any depth: what is inside in another form is glimpsed at, but not what is inside that. */
export function examinerOptions(options: InspectOptions): ExaminerOptions {
  return {
    virtualSizeCap: options.virtualSizeCap ?? Number.POSITIVE_INFINITY,
    glimpse(bytes) {
      const inner = new Inspector(options, -1);
      inner.update(bytes);
      return inner.glimpse();
    },
  };
}
