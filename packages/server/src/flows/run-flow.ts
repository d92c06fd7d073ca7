/** One run of a flow from its first step to its last word: replayed from its records by whichever worker has it. */
import type { FailureCode } from '../base/failure.ts';
import type { Fate, Flow, FlowOutcome, Json, Step, StepContext, StepFailure, UndoContext } from './flow.ts';

/** How a step ended, as the engine records it. */
export type StepOutcome =
  | { readonly result: Json }
  | { readonly failure: { readonly code: FailureCode; readonly message: string } };

/** A piece of a flow that is recorded as a whole. */
export interface Piece {
  /** Name of the record: that of the step, `undo:` before it for its way back. */
  readonly record: string;
  /** The step whose attempts it is given. */
  readonly step: string;
  /** Whether a cancellation ends it: always, until its first attempt has begun, or never. */
  readonly cancellable: 'always' | 'at first' | 'never';
  readonly work: (context: StepContext) => Promise<Json | undefined>;
}

/** Runs a piece until it has succeeded or failed for good, or gives what is recorded of it. */
export type RunPiece = (piece: Piece, before: Before) => Promise<StepOutcome>;

/** What the steps before have left to know. */
export type Before = Pick<StepContext, 'resultOf' | 'failureOf'>;

interface Parts {
  readonly runPiece: RunPiece;
  readonly changed: (change: string) => Promise<boolean>;
}

/** The record of what a flow says of its failure, when everything else is over. */
export const lastWord = 'last word';

export async function runFlow<Input>(parts: Parts, flow: Flow<Input>, input: Input): Promise<FlowOutcome> {
  const run = new FlowRun(parts, flow, input);
  for (const step of await flow.steps(input, parts.changed)) {
    const failure = await run.forward(step);
    if (failure !== null) return await run.back(failure);
  }
  return { state: 'success' };
}

class FlowRun<Input> {
  readonly #parts: Parts;
  readonly #flow: Flow<Input>;
  readonly #input: Input;
  readonly #results = new Map<string, Json>();
  readonly #failures = new Map<string, StepFailure>();
  readonly #begun: Step<Input>[] = [];

  constructor(parts: Parts, flow: Flow<Input>, input: Input) {
    this.#parts = parts;
    this.#flow = flow;
    this.#input = input;
  }

  /** Null when the flow may go on. */
  async forward(step: Step<Input>): Promise<StepFailure | null> {
    this.#begun.push(step);
    const outcome = await this.#run(
      step.name,
      step.name,
      step.decisive === true ? 'at first' : 'always',
      (context) => step.do(context, this.#input),
    );
    if ('result' in outcome) {
      this.#results.set(step.name, outcome.result);
      return null;
    }
    const failure = { ...outcome.failure, step: step.name };
    if (step.optional !== true || failure.code === 'cancelled') return failure;
    this.#begun.pop();
    this.#failures.set(step.name, failure);
    return await this.#undo(step, failure);
  }

  async back(failure: StepFailure): Promise<FlowOutcome> {
    const isCancelled = failure.code === 'cancelled';
    if (!isCancelled && this.#flow.holds?.(this.#input, failure) === true) {
      const untold = await this.#say(failure, 'held');
      return { state: 'failed', failure: untold ?? failure, retryFrom: failure.step };
    }
    for (const step of this.#begun.toReversed()) {
      const stuck = await this.#undo(step, failure.step === step.name ? failure : null);
      if (stuck !== null) return { state: 'failed', failure: stuck, retryFrom: stuck.step };
    }
    const untold = await this.#say(failure, isCancelled ? 'cancelled' : 'undone');
    if (untold !== null) return { state: 'failed', failure: untold, retryFrom: untold.step };
    return isCancelled ? { state: 'cancelled', failure } : { state: 'failed', failure, retryFrom: null };
  }

  /** What kept it from being undone. */
  async #undo(step: Step<Input>, failure: StepFailure | null): Promise<StepFailure | null> {
    const { undo } = step;
    if (undo === undefined) return null;
    const work = async (context: StepContext) => {
      await undo.call(step, { ...context, failure } satisfies UndoContext, this.#input);
      return undefined;
    };
    return this.#stuck(`undo:${step.name}`, await this.#run(`undo:${step.name}`, step.name, 'never', work));
  }

  async #say(failure: StepFailure, fate: Fate): Promise<StepFailure | null> {
    const { failed } = this.#flow;
    if (failed === undefined) return null;
    const work = async (context: StepContext) => {
      await failed.call(this.#flow, context, this.#input, failure, fate);
      return undefined;
    };
    return this.#stuck(lastWord, await this.#run(lastWord, lastWord, 'never', work));
  }

  #stuck(record: string, outcome: StepOutcome): StepFailure | null {
    return 'failure' in outcome ? { ...outcome.failure, step: record } : null;
  }

  async #run(
    record: string,
    step: string,
    cancellable: Piece['cancellable'],
    work: Piece['work'],
  ): Promise<StepOutcome> {
    const before: Before = {
      resultOf: <T extends Json>(name: string) => this.#results.get(name) as T | undefined,
      failureOf: (name) => this.#failures.get(name),
    };
    return await this.#parts.runPiece({ record, step, cancellable, work }, before);
  }
}
