/** Where tests break in: a server gives none of these. */

/**
 * A moment in a piece of a flow. `fence`: in the first transaction of the attempt; `progress`: the first time it says that something
 * moved; `after`: not yet recorded.
 */
export interface Moment {
  readonly flow: string;
  /** `undo:` before the step's name for its way back. */
  readonly record: string;
  readonly when: 'before' | 'fence' | 'progress' | 'after';
  /** Of this piece, from 1. */
  readonly attempt: number;
}

export interface FlowSeams {
  /** What it throws, the attempt fails with. */
  readonly reach?: (moment: Moment) => void;
  /** Whether the worker may take up flows now. */
  readonly mayClaim?: () => boolean;
  /** Milliseconds instead of the usual ones. */
  readonly beatMs?: number;
  readonly stallMs?: number;
  readonly endingMs?: number;
  /** Before a second attempt. */
  readonly pauseMs?: number;
}
