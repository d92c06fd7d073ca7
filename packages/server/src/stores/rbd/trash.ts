/** What was deleted and still takes room: it is being read, or volumes were cloned from it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';

export interface TrashRules {
  /** Milliseconds until it is looked at again, at first and at most. */
  readonly firstRestMs: number;
  readonly longestRestMs: number;
}

const usual: TrashRules = { firstRestMs: 5_000, longestRestMs: 600_000 };

/** Milliseconds that a store that is closed waits for it. */
const patienceMs = 5_000;

export class Trash {
  readonly #cluster: Cluster;
  readonly #rules: TrashRules;
  /** Not ours: somebody may want it back. */
  readonly #foreign = new Set<string>();
  readonly #resting = new Map<string, { until: number; restMs: number }>();
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(cluster: Cluster, rules: Partial<TrashRules>) {
    this.#cluster = cluster;
    this.#rules = { ...usual, ...rules };
  }

  /** Finished or not, nobody finds it any more; its room comes back later. One that is not there is fine. */
  async bury(name: string): Promise<void> {
    const id = await this.#cluster.ask('buryImage', [name]);
    if (id !== null) this.#purge(id).catch(() => {});
  }

  /** Resolves with the number of images whose room came back. */
  async empty(): Promise<number> {
    const ids = await this.#cluster.ask('listTrash', []);
    for (const known of [this.#foreign, this.#resting])
      for (const id of known.keys()) if (!ids.includes(id)) known.delete(id);
    let gone = 0;
    for (const id of ids) {
      const isDue = (this.#resting.get(id)?.until ?? 0) <= performance.now();
      if (isDue && !this.#foreign.has(id) && (await this.#purge(id))) gone += 1;
    }
    return gone;
  }

  /** Waits for what is under way, for some time. */
  async settle(): Promise<void> {
    const settled = new AbortController();
    const late = sleep(patienceMs, undefined, { signal: settled.signal }).catch(() => {});
    await Promise.race([Promise.allSettled(this.#underWay.values()), late]);
    settled.abort();
  }

  /** Whether it is gone now. */
  #purge(id: string): Promise<boolean> {
    const running = this.#underWay.get(id) ?? this.#purgeNow(id).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, running);
    return running;
  }

  async #purgeNow(id: string): Promise<boolean> {
    const purged = await this.#cluster.askSlowly('purgeImage', [id]);
    if (purged === 'foreign') this.#foreign.add(id);
    if (purged !== 'busy') this.#resting.delete(id);
    else {
      const { firstRestMs, longestRestMs } = this.#rules;
      const restMs = Math.min((this.#resting.get(id)?.restMs ?? firstRestMs / 2) * 2, longestRestMs);
      this.#resting.set(id, { until: performance.now() + restMs, restMs });
    }
    return purged === 'gone';
  }
}
