/** What an operator does about stores and records that differ, beside running servers. */
import { openConfiguredStores } from './app-stores.ts';
import { migrate } from './database/migrate.ts';
import { migrateEngine } from './flows/migrate-engine.ts';
import { readConfig, type ServerOptions } from './main.ts';
import { withDatabase } from './operator.ts';
import type { Finding, ReconcileRun } from './upkeep/reconcile/finding.ts';
import { reconcile } from './upkeep/reconcile/reconcile.ts';

export type { Finding };

/** Resolves with the objects and copies looked at. Fails as opening the stores and the database does. */
export async function runReconcile(
  options: ServerOptions,
  run: Omit<ReconcileRun, 'progress'>,
): Promise<{ looked: number }> {
  const configured = await readConfig(options);
  return await withDatabase(options, async (database, log, connection) => {
    await migrate(database, { log, further: () => migrateEngine(connection, log) });
    const stores = await openConfiguredStores(configured);
    let looked = 0;
    const progress = () => {
      looked += 1;
    };
    try {
      await reconcile({ database, stores, log }, { ...run, progress });
    } finally {
      await stores.close();
    }
    return { looked };
  });
}
