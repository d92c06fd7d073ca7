/** An action as it is at this moment: while it is under way its flow tells, and afterwards its record. */
import type { ActionError, ActionStatus, ActionType } from '@tintype/contract';
import type { Queries } from '../database/queries.ts';
import { factsOfFlows, lastAtWork } from '../flows/flow-records.ts';
import { type FlowView, viewFlow } from '../flows/flow-state.ts';
import { lastWord } from '../flows/run-flow.ts';
import type { ActionOutcome } from '../images/action.ts';
import type { ReadAction } from '../images/action-records.ts';
import { beingUploaded } from '../images/draft-upload-records.ts';
import { exportStage, exportVerbs } from './export-stages.ts';
import { confirmName } from './steps/confirm-clone.ts';
import { createName } from './steps/create.ts';
import { fetchName } from './steps/fetch-source.ts';
import { isPlaceStep } from './steps/place.ts';
import { reachName } from './steps/reach-region.ts';
import { sendName } from './steps/send-clone.ts';
import { verifyName } from './steps/verify.ts';

export interface ActionView {
  readonly action: ReadAction;
  readonly status: ActionStatus;
  readonly progress: { readonly step: string; readonly done: number; readonly total: number | null } | null;
  readonly attempt: number;
  readonly heartbeatAt: Date | null;
  readonly stalled: boolean;
  /** Its owner has still to send its data, or is sending it. */
  readonly awaitsData: boolean;
  readonly message: string;
  readonly error: ActionError | null;
  readonly updatedAt: Date;
  /** When it is forgotten, unless it goes on before; null: it is under way, or kept for ever. */
  readonly expiresAt: Date | null;
  /** That is over: nobody is shown it any more. */
  readonly isExpired: boolean;
}

type Told = Omit<ActionView, 'isExpired'>;

/** `keepMs`: milliseconds that what has ended is kept; null: for ever. */
export async function viewActions(
  queries: Queries,
  actions: readonly ReadAction[],
  keepMs: number | null,
): Promise<ActionView[]> {
  const flows = await flowsOf(
    queries,
    actions.map(({ id }) => id),
  );
  const awaiting = actions.filter((action) => !flows.has(action.id) && awaitsData(action));
  const arriving = await beingUploaded(
    queries,
    awaiting.map(({ image_id }) => image_id),
  );
  const told = (action: ReadAction): Told => {
    const flow = flows.get(action.id) ?? null;
    if (flow === null && awaitsData(action)) return waiting(action, arriving.has(action.image_id), keepMs);
    const isOpen = flow !== null && ['waiting', 'running', 'stalled'].includes(flow.state);
    return isOpen ? open(action, flow) : ended(action, flow, keepMs);
  };
  return actions.map(told).map((view) => ({
    ...view,
    // By the clock that says when things ended: that of this process may be hours wrong.
    isExpired: view.expiresAt !== null && view.expiresAt <= view.action.read_at,
  }));
}

/** By id. The last word on a failure is no step to anybody outside: one that has it is where the work was left. */
async function flowsOf(queries: Queries, ids: readonly string[]): Promise<Map<string, FlowView>> {
  const flows = (await factsOfFlows(queries, ids)).map(viewFlow);
  const atLastWord = flows.filter(({ step }) => step === lastWord).map(({ id }) => id);
  const left = new Map((await lastAtWork(queries, atLastWord)).map((one) => [one.flow, one]));
  return new Map(
    flows.map((flow) => {
      const { step, number, done, total } = left.get(flow.id) ?? { ...flow, number: flow.attempt };
      return [flow.id, { ...flow, step, attempt: number, done, total }];
    }),
  );
}

/** Unless it has a flow. */
function awaitsData({ outcome, request }: ReadAction): boolean {
  return outcome === null && request.upload === true;
}

/** For data that its owner sends. */
function waiting(action: ReadAction, isArriving: boolean, keepMs: number | null): Told {
  return {
    action,
    status: isArriving ? 'uploading' : 'waiting',
    progress: null,
    attempt: 0,
    heartbeatAt: null,
    stalled: false,
    awaitsData: true,
    message: isArriving ? 'Receiving the data' : 'Waiting for its data',
    error: null,
    updatedAt: action.updated_at,
    expiresAt: expiry(action.updated_at, keepMs),
  };
}

function expiry(since: Date | null, keepMs: number | null): Date | null {
  return since === null || keepMs === null ? null : new Date(since.getTime() + keepMs);
}

function open(action: ReadAction, flow: FlowView): Told {
  const status = flow.state === 'waiting' ? 'waiting' : stageOf(action.type, flow.step);
  const { movedAt, step, done, total } = flow;
  return {
    action,
    status,
    progress: step === null ? null : { step, done: done ?? 0, total },
    attempt: flow.attempt ?? 0,
    heartbeatAt: flow.heartbeatAt,
    stalled: flow.stalled !== null,
    awaitsData: false,
    message: sentence(action.type, status, flow),
    error: null,
    updatedAt: movedAt !== null && movedAt > action.updated_at ? movedAt : action.updated_at,
    expiresAt: null,
  };
}

function stageOf(type: ActionType, step: string | null): ActionStatus {
  const name = step?.replace(/^undo:/, '') ?? null;
  if (type === 'export') return exportStage(name);
  if (name === null) return 'waiting';
  if (name === fetchName || name === reachName || name === sendName) return 'uploading';
  if (name === verifyName || name === confirmName) return 'verifying';
  return isPlaceStep(name) || name === createName ? 'storing' : 'converting';
}

const verbs: Partial<Record<ActionStatus, string>> = {
  uploading: 'Downloaded',
  verifying: 'Verified',
  converting: 'Converted',
  storing: 'Stored',
};

function verbOf(type: ActionType, status: ActionStatus): string {
  if (type === 'clone' && status === 'uploading') return 'Sent';
  return (type === 'export' ? exportVerbs : verbs)[status] ?? 'Done';
}

function sentence(
  type: ActionType,
  status: ActionStatus,
  { state, stalled, step, done, total, cancelRequested }: FlowView,
): string {
  if (state === 'waiting') return 'Waiting for a worker';
  if (cancelRequested || step?.startsWith('undo:')) return 'Taking back what was done';
  const of = total === null ? '' : ` of ${mebibytes(total)}`;
  const moved = `${verbOf(type, status)} ${mebibytes(done ?? 0)}${of} MiB`;
  if (stalled === 'worker-lost') return `${moved}; the worker is lost, another takes over`;
  return stalled === null ? moved : `${moved}; nothing has moved for a while`;
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}

function ended(action: ReadAction, flow: FlowView | null, keepMs: number | null): Told {
  const stuck = stuckOf(flow);
  const status = stuck === null ? (action.outcome ?? outcomeOf(flow)) : 'failure';
  const endedAt = action.ended_at ?? flow?.endedAt ?? null;
  const trouble = status === 'failure' ? (stuck ?? action.error ?? flow?.failure ?? lost) : null;
  return {
    action,
    status,
    progress: null,
    attempt: flow?.attempt ?? 0,
    heartbeatAt: null,
    stalled: false,
    awaitsData: false,
    message: stuck?.message ?? action.message ?? trouble?.message ?? 'The work was cancelled.',
    error: trouble === null ? null : { ...trouble, retryable: flow?.resumable ?? false },
    updatedAt: action.updated_at,
    expiresAt: expiry(endedAt, keepMs),
  };
}

/** What keeps it from being taken back, whatever it is recorded as: its owner can still do something about that. */
function stuckOf(flow: FlowView | null): FlowView['failure'] {
  const isStuck = flow?.state === 'failed' && flow.resumable && flow.failure?.step.startsWith('undo:');
  return isStuck === true ? flow!.failure : null;
}

/** Of what ended without its last word: the engine gave it up. */
function outcomeOf(flow: FlowView | null): ActionOutcome {
  return flow?.state === 'cancelled' ? 'cancelled' : 'failure';
}

const lost = { code: 'internal', message: 'Nothing is known of this work any more.', step: '' } as const;
