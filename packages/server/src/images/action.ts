/** Work on images that is asked about by itself, such as an export. */
import type { ActionType } from '@tintype/contract';
import type { FailureCode } from '../base/failure.ts';

export type ActionOutcome = 'success' | 'failure' | 'cancelled';

/** Why it failed, as its owner reads it. */
export interface ActionTrouble {
  readonly code: FailureCode;
  readonly message: string;
  readonly step: string;
}

export interface Action {
  /** Also of its flow. */
  readonly id: string;
  readonly type: ActionType;
  readonly owner: string | null;
  readonly user_id: string | null;
  readonly request_id: string | null;
  readonly image_id: string;
  /** What is shown of what was asked for: nothing secret is in it. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Null until it ends for the first time. */
  readonly outcome: ActionOutcome | null;
  readonly message: string | null;
  readonly error: ActionTrouble | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly ended_at: Date | null;
}
