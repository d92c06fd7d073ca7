/** Periodic flows: each is started once for every stretch of time, whatever the number of workers. */
import type { Database } from '../database/connect.ts';
import type { Engine } from './engine.ts';
import type { Json } from './flow.ts';

export interface Periodic {
  /** Name of the flow. */
  readonly flow: string;
  readonly everyMs: number;
  readonly input: { readonly [key: string]: Json };
}

export class Schedule {
  readonly #database: Database;
  readonly #engine: Engine;
  readonly #periodic: readonly Periodic[];
  readonly #last = new Map<string, number>();

  constructor(database: Database, engine: Engine, periodic: readonly Periodic[]) {
    this.#database = database;
    this.#engine = engine;
    this.#periodic = periodic;
  }

  /** `now`: milliseconds by the database's clock. Starts what is due, unless another worker has. */
  async look(now: number): Promise<void> {
    for (const { flow, everyMs, input } of this.#periodic) {
      const slot = Math.floor(now / everyMs);
      if (this.#last.get(flow) === slot) continue;
      const id = `${flow}-${new Date(slot * everyMs).toISOString()}`;
      await this.#database.transaction(
        async (queries) =>
          await this.#engine.start(queries, { id, flow, input, project: null, subject: null }),
      );
      this.#last.set(flow, slot);
    }
  }
}
