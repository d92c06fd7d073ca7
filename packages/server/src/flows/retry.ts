/** When a failed attempt is made again, and after how long. */
import type { FailureCode } from '../base/failure.ts';
import type { StepRecords } from './attempt-records.ts';

/** Trouble that may pass; everything else is the same the next time. */
const passing: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'internal',
  'interrupted',
  'region_unavailable',
  'source_changed',
  'source_cut',
  'source_stalled',
  'source_unavailable',
  'source_unreachable',
  'step_stalled',
  'store_unavailable',
  'target_stalled',
  'target_unavailable',
  'target_unreachable',
  'unavailable',
  'upload_cut',
  'upload_stalled',
]);

/** Attempts that may fail, and workers that may die of it. */
const mostFailed = 3;
const mostLost = 3;
/** Of an undo: what it leaves, somebody has to clear away by hand. */
const mostUndo = 8;

export function mayPass(code: FailureCode): boolean {
  return passing.has(code);
}

/** Attempts that failed because the database or the source of quotas was away: a quarter of an hour of them. */
const mostUnavailable = 60;

/** Whether the step has used up its attempts: `failed`, `lost`, or null. */
export function usedUp({ attempts }: StepRecords, isUndo: boolean): 'failed' | 'lost' | null {
  const mine = attempts.filter(({ current }) => current);
  if (mine.filter(({ state }) => state === 'lost').length >= mostLost) return 'lost';
  const failed = mine.filter(({ state }) => state === 'failed');
  const away = failed.filter(({ code }) => code === 'unavailable').length;
  const isOver = failed.length - away >= (isUndo ? mostUndo : mostFailed) || away >= mostUnavailable;
  return isOver ? 'failed' : null;
}

/** Milliseconds before attempt `number`; `first`: before the second. */
export function pauseBefore(number: number, first = 500): number {
  return Math.min(first * 3 ** Math.max(0, number - 2), 15_000);
}
