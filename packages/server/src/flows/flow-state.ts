/** The state of a flow, derived whenever it is read: nothing stored could be true of a worker that has just died. */
import type { FailureCode } from '../base/failure.ts';
import type { FlowOutcome, StepFailure } from './flow.ts';

/** What the state follows from: the flow, its record in the engine, its last attempt and that attempt's worker. */
export interface FlowFacts {
  readonly id: string;
  readonly name: string;
  readonly project: string | null;
  readonly subject: string | null;
  readonly created_at: Date;
  readonly cancel_requested_at: Date | null;
  /** The engine's. */
  readonly status: string;
  readonly output: string | null;
  readonly ended_at: Date | null;
  readonly step: string | null;
  readonly attempt: number | null;
  readonly attempt_state: string | null;
  readonly attempt_code: FailureCode | null;
  readonly attempt_message: string | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly started_at: Date | null;
  readonly moved_at: Date | null;
  readonly heartbeat_at: Date | null;
  /** Seconds since it was started, by the database's clock as all ages here. */
  readonly age: number;
  /** Seconds; null without a worker. */
  readonly heartbeat_age: number | null;
  /** Seconds since anything moved. */
  readonly still_for: number | null;
}

export type FlowState = 'waiting' | 'running' | 'stalled' | 'failed' | 'success' | 'cancelled';

export interface FlowView {
  readonly id: string;
  readonly name: string;
  readonly project: string | null;
  readonly subject: string | null;
  readonly state: FlowState;
  /** `worker-lost`: another worker takes it up. `no-progress`: the attempt is ended and made again. */
  readonly stalled: 'worker-lost' | 'no-progress' | null;
  /** Whether a retry goes on from the failed step. */
  readonly resumable: boolean;
  readonly failure: StepFailure | null;
  readonly cancelRequested: boolean;
  /** The step under way, or the last one. */
  readonly step: string | null;
  readonly attempt: number | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly movedAt: Date | null;
  readonly heartbeatAt: Date | null;
  readonly endedAt: Date | null;
}

/** Seconds: three beats that did not come. */
const lateBeat = 6;
/** Seconds without progress that are told; ending the attempt takes longer. */
const still = 15;

/** The engine wraps what a flow returned. */
function outcomeOf(output: string | null): FlowOutcome | null {
  if (output === null) return null;
  const parsed = JSON.parse(output) as { json?: FlowOutcome } & FlowOutcome;
  return parsed.json ?? parsed;
}

type Verdict = Pick<FlowView, 'state' | 'stalled' | 'resumable' | 'failure'>;

const calm = { stalled: null, resumable: false, failure: null } as const;

function verdictOf(facts: FlowFacts): Verdict {
  switch (facts.status) {
    case 'ENQUEUED':
    case 'DELAYED':
      return { ...calm, state: 'waiting' };
    case 'PENDING': {
      if (facts.heartbeat_age === null || facts.heartbeat_age > lateBeat)
        return { ...calm, state: 'stalled', stalled: 'worker-lost' };
      if (facts.attempt_state === 'running' && facts.still_for !== null && facts.still_for > still)
        return { ...calm, state: 'stalled', stalled: 'no-progress' };
      return { ...calm, state: 'running' };
    }
    case 'SUCCESS': {
      const outcome = outcomeOf(facts.output);
      if (outcome?.state === 'cancelled') return { ...calm, state: 'cancelled', failure: outcome.failure };
      if (outcome?.state !== 'failed') return { ...calm, state: 'success' };
      return {
        state: 'failed',
        stalled: null,
        resumable: outcome.retryFrom !== null,
        failure: outcome.failure,
      };
    }
    default:
      // The engine gave up: an error of ours, or workers that died of it again and again.
      return { state: 'failed', stalled: null, resumable: true, failure: lastFailure(facts) };
  }
}

function lastFailure({ step, attempt_code, attempt_message }: FlowFacts): StepFailure {
  return {
    code: attempt_code ?? 'worker_lost',
    message: attempt_message ?? 'The work was given up: the log of the workers has the cause.',
    step: step ?? '',
  };
}

export function viewFlow(facts: FlowFacts): FlowView {
  return {
    id: facts.id,
    name: facts.name,
    project: facts.project,
    subject: facts.subject,
    ...verdictOf(facts),
    cancelRequested: facts.cancel_requested_at !== null,
    step: facts.step,
    attempt: facts.attempt,
    done: facts.done,
    total: facts.total,
    createdAt: facts.created_at,
    startedAt: facts.started_at,
    movedAt: facts.moved_at,
    heartbeatAt: facts.heartbeat_at,
    endedAt: facts.ended_at,
  };
}
