/** Forgets flows that ended long ago: itself a flow, started now and then. */
import type { Database } from '../database/connect.ts';
import type { Engine } from './engine.ts';
import type { Flow } from './flow.ts';
import { deleteForgotten, endedLongAgo } from './flow-records.ts';
import type { Periodic } from './schedule.ts';

export const purgeFlow = 'purge-flows';

/** Flows forgotten in one go. */
const batch = 200;

type PurgeInput = { readonly keepHours: number };

export function purge(engine: Engine, database: Database): Flow<PurgeInput> {
  return {
    name: purgeFlow,
    steps: () => [
      {
        name: 'forget',
        async do({ signal, progress }, { keepHours }) {
          let forgotten = 0;
          for (;;) {
            signal.throwIfAborted();
            const ids = await endedLongAgo(database.db, keepHours * 3600 * 1000, batch);
            if (ids.length > 0) await engine.client.deleteWorkflows(ids);
            await deleteForgotten(database.db);
            forgotten += ids.length;
            progress(forgotten);
            if (ids.length < batch) return { forgotten };
          }
        },
      },
    ],
  };
}

export function purgeEvery(keepHours: number): Periodic {
  return { flow: purgeFlow, everyMs: 3600 * 1000, input: { keepHours } };
}
