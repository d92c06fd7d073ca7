/** Takes flows from the queue: when told that some wait, when one has ended, and now and then. */
import { randomUUID } from 'node:crypto';
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import { claimFlows, unclaimFlows } from './claim-records.ts';
import type { Dbos } from './dbos.ts';
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

/** Milliseconds after a claim failed in which it may have taken flows all the same. */
const doubtMs = 60_000;

/** Milliseconds after which a worker tries again what it could not run. */
const unfitMs = 60_000;

export class Claims {
  readonly #parts: Parts;
  /** Flows of this process, with the worker they were taken up by. */
  readonly #inHand = new Map<string, string>();
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  /** The project after which to look on; empty: from the first. */
  #beyond = '';
  /** Owners of claims that failed, and when, by the clock of the process. */
  readonly #unanswered = new Map<string, number>();
  /** Flows that this worker could not run, and when it saw that. */
  readonly #unfit = new Map<string, number>();

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
    const { limits, mayClaim } = this.#parts;
    await this.#giveBackUnanswered();
    // Begun in the midst of the projects, it looks at those before, too.
    for (let ways = this.#beyond === '' ? 1 : 2; ways > 0; ways -= this.#beyond === '' ? 1 : 0) {
      const room = limits.perWorker - this.#inHand.size;
      if (!mayClaim() || room <= 0 || this.#stopped) return;
      await this.#claimSome(room);
    }
  }

  async #claimSome(room: number): Promise<void> {
    const { executor, database, limits, workerId } = this.#parts;
    const { perProject, total } = limits;
    const [worker, owner] = [workerId(), randomUUID()];
    const unfit = recent(this.#unfit, unfitMs);
    const claim = { worker, owner, room, perProject, total, beyond: this.#beyond, unfit };
    const { flows, next } = await claimFlows(database.db, claim).catch((error) => {
      this.#unanswered.set(owner, performance.now());
      throw error;
    });
    this.#beyond = next;
    for (const flow of flows) this.#inHand.set(flow, worker);
    if (flows.length > 0) await executor.dispatchDequeuedWorkflows([...flows], owner);
    for (const flow of flows) await this.#giveBackUnstarted(flow, worker);
  }

  /** What was taken by a claim whose answer was lost would be nobody's; it may still be under way in the database. */
  async #giveBackUnanswered(): Promise<void> {
    const owners = recent(this.#unanswered, doubtMs);
    if (owners.length > 0) await unclaimFlows(this.#parts.database.db, owners);
  }

  /** Such as a flow that only a newer release knows, or has changed: it waits for a worker of that. */
  async giveBack(flow: string, worker: string): Promise<void> {
    const { database, log } = this.#parts;
    this.#unfit.set(flow, performance.now());
    log.warn({ flow }, 'this worker cannot run a flow: it waits for another');
    await releaseFlows(database, worker, flow);
  }

  async #giveBackUnstarted(flow: string, worker: string): Promise<void> {
    const { systemDatabase } = this.#parts.executor;
    if (!this.#inHand.has(flow) || systemDatabase.checkForRunningWorkflow(flow)) return;
    this.#inHand.delete(flow);
    await this.giveBack(flow, worker);
  }
}

/** What was noted within so many milliseconds; the rest is forgotten. */
function recent(noted: Map<string, number>, milliseconds: number): string[] {
  for (const [name, at] of noted) if (performance.now() - at > milliseconds) noted.delete(name);
  return [...noted.keys()];
}
