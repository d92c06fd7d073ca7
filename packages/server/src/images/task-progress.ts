/** Tasks as they are at this moment: what one that is under way has to say follows from its flow. */
import type { Queries } from '../database/queries.ts';
import { factsOfFlows } from '../flows/flow-records.ts';
import { type FlowView, viewFlow } from '../flows/flow-state.ts';
import type { Task } from './task-records.ts';

export async function withProgress(queries: Queries, tasks: readonly Task[]): Promise<Task[]> {
  const open = tasks.filter(({ status }) => status === 'pending' || status === 'processing');
  const facts = await factsOfFlows(
    queries,
    open.map(({ id }) => id),
  );
  const flows = new Map(facts.map((one) => [one.id, viewFlow(one)]));
  return tasks.map((task) => {
    const flow = flows.get(task.id);
    return flow === undefined ? task : { ...task, ...progressOf(task, flow) };
  });
}

function progressOf(task: Task, flow: FlowView): Pick<Task, 'message' | 'updated_at'> {
  const { movedAt } = flow;
  const updated_at = movedAt !== null && movedAt > task.updated_at ? movedAt : task.updated_at;
  return { message: sentence(task, flow), updated_at };
}

/** What a step that moves or changes data has done to it; the others copy it. */
const verbs: Readonly<Record<string, string>> = {
  fetch: 'Downloaded',
  unpack: 'Unpacked',
  extract: 'Extracted',
  convert: 'Converted',
};

function sentence(task: Task, { state, stalled, step, done, total }: FlowView): string {
  if (state === 'waiting') return 'Waiting for a worker';
  const verb = verbs[step ?? ''] ?? 'Copied';
  const of = total === null ? '' : ` of ${mebibytes(total)}`;
  const copied = `${verb} ${mebibytes(done ?? 0)}${of} MiB`;
  if (stalled === 'worker-lost') return `${copied}; the worker is lost, another takes over`;
  if (stalled === 'no-progress') return `${copied}; nothing has moved for a while`;
  return state === 'running' ? copied : task.message;
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}
