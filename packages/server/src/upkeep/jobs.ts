/** All jobs of upkeep, in the order in which they are done. */
import { Failure } from '../base/failure.ts';
import { expireActions } from './expire-actions.ts';
import { expireImages } from './expire-images.ts';
import { expireTasks } from './expire-tasks.ts';
import { forgetOldEvents } from './forget-events.ts';
import type { UpkeepJob } from './job.ts';
import { reapKilled } from './reap-killed.ts';
import { scrubDeleted } from './scrub-deleted.ts';

export const upkeepJobs: readonly UpkeepJob[] = [
  expireImages,
  reapKilled,
  scrubDeleted,
  expireTasks,
  expireActions,
  forgetOldEvents,
];

/** Fails with not_found. */
export function upkeepJob(name: string): UpkeepJob {
  const job = upkeepJobs.find((one) => one.name === name);
  if (job !== undefined) return job;
  const known = upkeepJobs.map((one) => one.name).join(', ');
  throw new Failure('not_found', `There is no upkeep '${name.slice(0, 80)}'; there are: ${known}.`);
}
