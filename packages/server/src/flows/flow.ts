/** What a flow is: steps in order, each with its way back, and what the engine promises them. */
import type { FailureCode } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';

/** What inputs and results are made of: they are kept as JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Why a step failed, as a person reads it. */
export type StepFailure = {
  readonly code: FailureCode;
  readonly message: string;
  /** Name of the step. */
  readonly step: string;
};

/** What one attempt at a step is given. */
export interface StepContext {
  /** Id of the flow. */
  readonly flow: string;
  /** Fires when the attempt has to end: cancelled, nothing moved for too long, or another worker has the flow. */
  readonly signal: AbortSignal;
  /** Unique in the cloud: what this attempt writes outside the database bears it in its name. */
  readonly attempt: string;
  /**
   * All attempts of the step's `do` before this one, however they ended. What they wrote outside the database may
   * be there, and nobody else takes it away. In an undo: all attempts there were.
   */
  readonly attempts: readonly string[];
  /** Says that something moves; `done` of `total` in bytes or whatever is counted. */
  progress(done: number, total?: number): void;
  /**
   * To be called first in every transaction of a step. Until that transaction ends nobody else gets the flow; when
   * somebody else has it already the call fails, and the attempt counts for nothing.
   */
  fence(queries: Queries): Promise<void>;
  /** What the step of this name resolved with; undefined when it has not, or failed. */
  resultOf<T extends Json>(step: string): T | undefined;
  /** Why the optional step of this name failed; undefined when it did not. */
  failureOf(step: string): StepFailure | undefined;
  /** Takes the secrets out of what is kept of the input, once the caller's transaction commits: no later attempt has them. */
  forgetSecrets(queries: Queries): Promise<void>;
}

export interface UndoContext extends StepContext {
  /** Why the step that is undone failed; null when it had succeeded. */
  readonly failure: StepFailure | null;
}

/**
 * `do` and `undo` run at least once, and may run again after they have succeeded or were cut anywhere in the middle:
 * both must come to the same end then. `undo` also runs when `do` began and failed, or was killed.
 */
export interface Step<Input> {
  /** Unique in its flow. */
  readonly name: string;
  /** What it resolves with is recorded, and later steps can ask for it. */
  do(context: StepContext, input: Input): Promise<Json | undefined>;
  undo?(context: UndoContext, input: Input): Promise<void>;
  /** The flow goes on without it when it fails; it is undone then. */
  readonly optional?: boolean;
  /**
   * Once an attempt has begun a cancellation comes too late: what it commits others build on. It comes last, and
   * no undo may take back what it has made true.
   */
  readonly decisive?: boolean;
}

/** `undone`: all is as it was. `held`: what was done stays, for a retry. */
export type Fate = 'undone' | 'held' | 'cancelled';

export interface Flow<Input> {
  /** Recorded with every flow: never changes its meaning. */
  readonly name: string;
  /** Fields of the input that are shown nowhere, and not kept once the flow has ended and cannot be retried. */
  readonly secrets?: readonly (keyof Input & string)[];
  /**
   * Asked again whenever a worker takes the flow up, so it must depend on nothing but `input`. Where a new release
   * changes the steps of flows that may be under way, `changed` tells which to take: false for a flow that
   * had a step behind it before the change of that name.
   */
  steps(
    input: Input,
    changed: (change: string) => Promise<boolean>,
  ): readonly Step<Input>[] | Promise<readonly Step<Input>[]>;
  /** Whether this failure keeps what was done, so that a retry goes on from the failed step; a cancellation never does. */
  holds?(input: Input, failure: StepFailure): boolean;
  /** The last word on a failure, once it is undone or held. Repeated like a step. */
  failed?(context: StepContext, input: Input, failure: StepFailure, fate: Fate): Promise<void>;
}

/** How a flow ended: what the engine records. */
export type FlowOutcome =
  | { readonly state: 'success' }
  | { readonly state: 'cancelled'; readonly failure: StepFailure }
  | { readonly state: 'failed'; readonly failure: StepFailure; readonly retryFrom: string | null };

/** Every flow that a worker knows; what it is started with has been checked by whoever starts it. */
export type AnyFlow = Flow<never>;
