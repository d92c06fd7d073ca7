/** Finds the workers that are dead, and has the engine give their flows to others. */
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import { departedOwners, forgetWorkers, type WorkerSight, workersSeen } from './worker-records.ts';

/** Beats that fail to come before a worker is dead: of one that has lost its connection, and of any. */
const beatsDisconnected = 2;
const beatsAtMost = 5;

/**
 * A worker is dead when its heart has stood still for a while on our own watch, one that runs on whatever happens to
 * clocks. What passed while we could not look does not count: after an outage of the database every heart stands still.
 */
export class Reaper {
  readonly #database: Database;
  readonly #log: Log;
  readonly #beatMs: number;
  readonly #recover: (workers: string[]) => Promise<unknown>;
  readonly #seen = new Map<string, { readonly beat: number; readonly since: number }>();
  #lastLook = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly database: Database;
    readonly log: Log;
    readonly beatMs: number;
    readonly recover: (workers: string[]) => Promise<unknown>;
  }) {
    this.#database = parts.database;
    this.#log = parts.log;
    this.#beatMs = parts.beatMs;
    this.#recover = parts.recover;
  }

  /** Once a beat. */
  async look(): Promise<void> {
    const workers = await workersSeen(this.#database);
    const dead = this.#judge(workers, performance.now());
    if (dead.length > 0) {
      const forgotten = await forgetWorkers(this.#database, dead);
      for (const worker of forgotten)
        this.#log.warn({ worker }, 'a worker is dead: others take up its flows');
    }
    const departed = await departedOwners(this.#database);
    if (departed.length > 0) await this.#recover(departed);
  }

  #judge(workers: readonly WorkerSight[], now: number): WorkerSight[] {
    if (now - this.#lastLook > 2 * this.#beatMs) this.#seen.clear();
    this.#lastLook = now;
    const known = new Set(workers.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!known.has(id)) this.#seen.delete(id);
    return workers.filter(({ id, beat, connected }) => {
      const seen = this.#seen.get(id);
      if (seen === undefined || seen.beat !== beat) {
        this.#seen.set(id, { beat, since: now });
        return false;
      }
      return now - seen.since > (connected ? beatsAtMost : beatsDisconnected) * this.#beatMs;
    });
  }
}
