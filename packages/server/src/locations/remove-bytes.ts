/** Removes the bytes of doomed locations, then the locations: in this order a killed process leaves no orphan. */
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import type { Stores } from '../stores/registry.ts';
import { forgetLocation, type Location } from './location-records.ts';

export interface RemovalParts {
  readonly database: Database;
  readonly stores: Stores;
  readonly log: Log;
}

/** Never throws: what could not be removed now stays recorded, and upkeep tries again. Resolves with the count removed. */
export async function removeBytes(parts: RemovalParts, locations: readonly Location[]): Promise<number> {
  let removed = 0;
  for (const location of locations) {
    try {
      const store = parts.stores.holding(location.store);
      if (store === undefined) throw new Error(`There is no store "${location.store}" in the configuration.`);
      await store.delete(location.key);
      await forgetLocation(parts.database, location.id);
      removed += 1;
    } catch (err) {
      parts.log.error({ err, image: location.image_id, store: location.store }, 'bytes could not be removed');
    }
  }
  return removed;
}
