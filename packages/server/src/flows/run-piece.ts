/** Runs one piece of a flow: attempt after attempt, each written down before it begins, until it is settled. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { asFailure, Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import { Attempt, RunOver } from './attempt.ts';
import {
  attemptsAt,
  failAttempt,
  fenceAttempt,
  insertAttempt,
  insertFirstAttempt,
  lockStep,
  type Run,
  type StepRecords,
} from './attempt-records.ts';
import type { StepContext } from './flow.ts';
import { forgetFields } from './flow-records.ts';
import type { Ledger, Place } from './ledger.ts';
import { mayPass, pauseBefore, usedUp } from './retry.ts';
import type { Before, Piece, StepOutcome } from './run-flow.ts';
import type { FlowSeams, Moment } from './seams.ts';

export interface PieceParts {
  readonly database: Database;
  readonly log: Log;
  /** Fields of the flow's input. */
  readonly secrets: readonly string[];
  /** Attempts of this worker under way: its heart beats for them. */
  readonly running: Set<Attempt>;
  readonly stallMs: number;
  readonly endingMs: number;
  readonly seams: FlowSeams;
  /** Fires when the worker is gone: nothing is waited for any more. */
  readonly closed: AbortSignal;
  readonly tell: (state: 'done' | 'failed') => void;
}

/** Where the outcome is recorded. */
export interface Keeping {
  readonly ledger: Ledger;
  readonly place: Place;
}

type Begun = { readonly attempt: Attempt; readonly number: number; readonly earlier: readonly string[] };

/** What is recorded of the piece, or what comes of it, which is recorded then. Fails with RunOver when the run has lost its flow. */
export async function runPiece(
  parts: PieceParts,
  run: Run,
  piece: Piece,
  before: Before,
  keeping: Keeping,
): Promise<StepOutcome> {
  const { ledger, place } = keeping;
  const known = await throughOutages(parts, () => ledger.find(place));
  if (known !== undefined) return known;
  for (;;) {
    const begun = await throughOutages(parts, () => begin(parts, run, piece));
    if (!('attempt' in begun)) return await keep(parts, keeping, begun, null);
    parts.running.add(begun.attempt);
    try {
      const outcome = await make(parts, run, piece, begun, before, keeping);
      if ('result' in outcome) return outcome;
      if (!mayPass(outcome.failure.code)) return await keep(parts, keeping, outcome, null);
      await pause(begun, parts.seams.pauseMs);
    } finally {
      parts.running.delete(begun.attempt);
    }
  }
}

/** The attempt, or the outcome when there is none to make. */
async function begin(parts: PieceParts, run: Run, piece: Piece): Promise<Begun | StepOutcome> {
  const isUndo = piece.record !== piece.step;
  const id = randomUUID();
  const { stallMs, endingMs } = parts;
  const facts = { id, flow: run.flow, step: piece.record, cancellable: piece.cancellable === 'always' };
  const attempt = new Attempt({ ...facts, stallMs, endingMs });
  if (!isUndo && (await insertFirstAttempt(parts.database.db, run, { id, step: piece.record })))
    return { attempt, number: 1, earlier: [] };
  return await parts.database.transaction(async (queries) => {
    const records = await lockStep(queries, run, piece.record);
    if (records === undefined) throw new RunOver();
    const mayCancel =
      piece.cancellable === 'always' || (piece.cancellable === 'at first' && records.attempts.length === 0);
    if (mayCancel && records.cancelRequested)
      return { failure: { code: 'cancelled', message: 'The work was cancelled.' } };
    const end = usedUp(records, isUndo);
    if (end !== null) return { failure: finalFailure(records, end) };

    const number = records.attempts.length + 1;
    const earlier = isUndo
      ? await attemptsAt(queries, run.flow, piece.step)
      : records.attempts.map((attempt) => attempt.id);
    await insertAttempt(queries, run, { id, step: piece.record, round: records.round, number });
    return { attempt, number, earlier };
  });
}

function finalFailure(
  records: StepRecords,
  end: 'failed' | 'lost',
): { code: Failure['code']; message: string } {
  const last = records.attempts.findLast((attempt) => attempt.current && attempt.state === 'failed');
  if (end === 'failed' && last?.code != null) return { code: last.code, message: last.message ?? '' };
  return { code: 'worker_lost', message: 'The server died several times while it worked at this.' };
}

/** A result is recorded, a failure only that of the attempt. */
async function make(
  parts: PieceParts,
  run: Run,
  piece: Piece,
  { attempt, number, earlier }: Begun,
  before: Before,
  keeping: Keeping,
): Promise<StepOutcome> {
  const { id } = attempt.facts;
  const reach = (when: Moment['when']) =>
    parts.seams.reach?.({ flow: run.flow, record: piece.record, when, attempt: number });
  let hasFenced = false;
  const context: StepContext = {
    flow: run.flow,
    signal: attempt.signal,
    attempt: id,
    attempts: earlier,
    progress(done, total) {
      if (!attempt.moved && attempt.done === 0) reach('progress');
      attempt.progress(done, total);
    },
    async fence(queries) {
      if (!(await fenceAttempt(queries, run, id))) throw new RunOver();
      if (!hasFenced) reach('fence');
      hasFenced = true;
    },
    forgetSecrets: (queries) => forgetFields(queries, run.flow, parts.secrets),
    ...before,
  };
  const work = async () => {
    reach('before');
    const result = await piece.work(context);
    reach('after');
    return result ?? null;
  };
  try {
    const result = await attempt.settle(work());
    const outcome = await keep(parts, keeping, { result }, id);
    parts.tell('done');
    return outcome;
  } catch (error) {
    if (error instanceof RunOver) throw error;
    const failure = asFailure(
      error,
      'internal',
      'Something went wrong: the log of the worker has the cause.',
    );
    if (failure !== error) parts.log.error({ err: error, ...attempt.facts }, 'a step failed unexpectedly');
    const told = { code: failure.code, message: failure.message };
    await fail(parts, attempt, told);
    return { failure: told };
  }
}

async function keep(
  parts: PieceParts,
  { ledger, place }: Keeping,
  outcome: StepOutcome,
  attempt: string | null,
): Promise<StepOutcome> {
  const entry = await ledger.entry(place, outcome, attempt);
  if (!(await throughOutages(parts, () => entry.write()))) throw new RunOver();
  return entry.outcome;
}

async function fail(
  parts: PieceParts,
  attempt: Attempt,
  failure: { readonly code: Failure['code']; readonly message: string },
): Promise<void> {
  const isOurs = await throughOutages(parts, () => failAttempt(parts.database, attempt.facts.id, failure));
  if (!isOurs) throw new RunOver();
  parts.tell('failed');
}

/** Waits for the database to come back: what has been done must not be lost for an outage. */
export async function throughOutages<T>({ log, closed }: PieceParts, ask: () => Promise<T>): Promise<T> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 5000)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'unavailable')) throw error;
      log.warn({ err: error }, 'a flow waits for the database');
      await delay(wait, undefined, { signal: closed }).catch(() => {});
      if (closed.aborted) throw new RunOver();
    }
  }
}

/** Ends at once when the run is over or the flow was cancelled: the next attempt then tells which. */
async function pause({ attempt, number }: Begun, first?: number): Promise<void> {
  if (attempt.signal.aborted && attempt.signal.reason instanceof RunOver) throw attempt.signal.reason;
  await delay(pauseBefore(number + 1, first), undefined, { signal: attempt.signal }).catch(() => {});
  if (attempt.signal.reason instanceof RunOver) throw attempt.signal.reason;
}
