/** Each job of upkeep as a periodic flow: whatever the number of workers, one of them does it. */
import type { Flow, Step } from '../flows/flow.ts';
import type { Periodic } from '../flows/schedule.ts';
import type { UpkeepFigures } from './figures.ts';
import { hourMs, type UpkeepJob, type UpkeepParts } from './job.ts';
import { upkeepJobs } from './jobs.ts';

export interface UpkeepFlowParts extends UpkeepParts {
  readonly figures: UpkeepFigures;
}

const flowOf = ({ name }: UpkeepJob) => `upkeep-${name}`;

export const upkeepEveryHour: readonly Periodic[] = upkeepJobs.map((job) => ({
  flow: flowOf(job),
  everyMs: hourMs,
  input: {},
}));

export function upkeepFlows(parts: UpkeepFlowParts): readonly Flow<object>[] {
  return upkeepJobs.map((job) => ({
    name: flowOf(job),
    steps: () => [{ name: job.name, do: stepOf(parts, job) }],
  }));
}

function stepOf(parts: UpkeepFlowParts, job: UpkeepJob): Step<object>['do'] {
  return async ({ signal, progress }) => {
    let done = 0;
    const tell = () => {
      done += 1;
      parts.figures.count(job.name);
      progress(done);
    };
    await job.run(parts, { dryRun: false, tell, signal });
    return { done };
  };
}
