/** Takes flows from the queue: when told that some wait, when one has ended, and now and then. */
import { randomUUID } from 'node:crypto';
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import { type Dbos, flowVersion, queueName } from './dbos.ts';
import { releaseFlows } from './worker-records.ts';

export interface Limits {
  /** Flows at a time on one worker, of one project on all workers, and of all. */
  readonly perWorker: number;
  readonly perProject: number;
  readonly total: number | null;
}

type Executor = NonNullable<Dbos['internal']['DBOSExecutor']['globalInstance']>;

interface Parts {
  readonly executor: Executor;
  readonly database: Database;
  readonly log: Log;
  readonly limits: Limits;
  readonly workerId: () => string;
  readonly mayClaim: () => boolean;
}

export class Claims {
  readonly #parts: Parts;
  /** Flows of this process, with the worker they were taken up by. */
  readonly #inHand = new Map<string, string>();
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get inHand(): ReadonlyMap<string, string> {
    return this.#inHand;
  }

  /** Looks for flows now, or once more after the look under way. */
  nudge(): void {
    this.#again = true;
    if (this.#running !== null || this.#stopped) return;
    this.#running = this.#work().finally(() => {
      this.#running = null;
      if (this.#again) this.nudge();
    });
  }

  ended(flow: string): void {
    this.#inHand.delete(flow);
    this.nudge();
  }

  /** Takes no flow any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#running;
  }

  async #work(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#claim();
      } catch (err) {
        this.#parts.log.warn({ err }, 'flows could not be taken up');
      }
    }
  }

  async #claim(): Promise<void> {
    const { executor, limits, mayClaim } = this.#parts;
    if (!mayClaim() || this.#inHand.size >= limits.perWorker) return;
    const partitions = await executor.systemDatabase.getQueuePartitions(queueName);
    for (const partition of shuffled(partitions)) {
      if (this.#inHand.size >= limits.perWorker || this.#stopped) return;
      await this.#claimOf(partition);
    }
  }

  async #claimOf(partition: string): Promise<void> {
    const { executor, limits, workerId } = this.#parts;
    const queue = {
      name: queueName,
      workerConcurrency: limits.perWorker,
      partitionConcurrency: limits.perProject,
      concurrency: limits.total ?? undefined,
    };
    const worker = workerId();
    const owner = randomUUID();
    let flows: string[];
    try {
      flows = await executor.systemDatabase.findAndMarkStartableWorkflows(
        queue as Parameters<Executor['systemDatabase']['findAndMarkStartableWorkflows']>[0],
        worker,
        flowVersion,
        partition,
        this.#inHand.size,
        0,
        owner,
      );
    } catch (error) {
      // Another worker was there at the same moment.
      if (!isContention(error)) throw error;
      this.#retry = setTimeout(() => this.nudge(), 10 + Math.random() * 40);
      return;
    }
    for (const flow of flows) this.#inHand.set(flow, worker);
    await executor.dispatchDequeuedWorkflows(flows, owner);
    for (const flow of flows) await this.#giveBackUnstarted(flow, worker);
  }

  /** A flow that only a newer release knows waits for a worker of that. */
  async #giveBackUnstarted(flow: string, worker: string): Promise<void> {
    const { executor, database, log } = this.#parts;
    if (!this.#inHand.has(flow) || executor.systemDatabase.checkForRunningWorkflow(flow)) return;
    this.#inHand.delete(flow);
    log.warn({ flow }, 'this worker cannot run a flow: it waits for another');
    await releaseFlows(database, worker, flow);
  }
}

function isContention(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === '40001' || code === '55P03';
}

/** So that no project is always the last. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
