/** What is looked after in the database again and again: each job can also be run by hand, or say what it would do. */
import type { Database } from '../database/connect.ts';
import type { Engine } from '../flows/engine.ts';

export interface UpkeepLimits {
  /** Hours that an image may be without data, have staged data, or be at work that nobody does; 0: for ever. */
  readonly queuedHours: number;
  readonly stagedHours: number;
  readonly stuckHours: number;
  /** Hours that a killed image can be shown; 0: for ever. */
  readonly killedHours: number;
  /** Hours that an action which has ended can be shown; 0: for ever. */
  readonly actionHours: number;
  /** Hours that events are kept, and how many at most; 0: for ever, all of them. */
  readonly eventHours: number;
  readonly eventCount: number;
}

export interface UpkeepParts {
  readonly database: Database;
  readonly engine: Engine;
  readonly limits: UpkeepLimits;
  /** Milliseconds that delayed deletion keeps images. */
  readonly scrubMs: number;
}

export interface UpkeepRun {
  /** Only says what is due. */
  readonly dryRun: boolean;
  /** Called for each thing that is done, or due. */
  readonly tell: (id: string) => void;
  readonly signal: AbortSignal;
}

export interface UpkeepJob {
  readonly name: string;
  /** In the words of the command. */
  readonly does: string;
  /** May be repeated, cut anywhere, and run twice at a time. Bytes are marked for removal: the sweep removes them. */
  run(parts: UpkeepParts, run: UpkeepRun): Promise<void>;
}

export const hourMs = 3_600_000;
