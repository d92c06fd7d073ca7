/** What an operator does about upkeep beside the servers: what there is, and one job now. */
import { readConfig, type ServerOptions } from './main.ts';
import { withEngine } from './operator-flows.ts';
import { upkeepJob, upkeepJobs } from './upkeep/jobs.ts';

export interface UpkeepLine {
  readonly name: string;
  readonly does: string;
}

export interface UpkeepResult {
  readonly name: string;
  readonly dryRun: boolean;
  readonly count: number;
  /** What was done, or is due: ids of images or tasks, the first thousand. */
  readonly ids: string[];
}

const mostNamed = 1000;

/** Looks at every object: when, and how hard, is for the operator to say. */
const onDemand: UpkeepLine = {
  name: 'reconcile',
  does: 'finds bytes without records, records without bytes and wrong bytes in all stores; only when run by hand',
};

export function listUpkeep(): UpkeepLine[] {
  return [...upkeepJobs.map(({ name, does }) => ({ name, does })), onDemand];
}

/** Fails with not_found. Bytes are removed by a running server, or by the next one. */
export async function runUpkeep(
  options: ServerOptions,
  { name, dryRun }: Pick<UpkeepResult, 'name' | 'dryRun'>,
): Promise<UpkeepResult> {
  const job = upkeepJob(name);
  const { upkeep: limits, images } = await readConfig(options);
  const scrubMs = images.scrubTime * 1000;
  return await withEngine(options, async (engine, database) => {
    const ids: string[] = [];
    let count = 0;
    const tell = (id: string) => {
      count += 1;
      if (ids.length < mostNamed) ids.push(id);
    };
    await job.run(
      { database, engine, limits, scrubMs },
      { dryRun, tell, signal: new AbortController().signal },
    );
    return { name, dryRun, count, ids };
  });
}
