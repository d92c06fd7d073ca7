/** The stores of a configuration, and the staging area; those without a place of their own are in the data directory. */
import path from 'node:path';
import type { Config } from './config/schema.ts';
import { openStores, type StoreConfig, type Stores } from './stores/registry.ts';

/** Fails as openStores does. */
export async function openConfiguredStores(
  config: Pick<Config, 'stores' | 'staging' | 'dataDir' | 'defaultStore'>,
): Promise<Stores> {
  const { stores, staging, dataDir, defaultStore } = config;
  return await openStores(
    stores.map((store) => withPath(store, dataDir)),
    staging.path ?? path.join(dataDir, 'staging'),
    defaultStore,
  );
}

function withPath(store: Config['stores'][number], dataDir: string): StoreConfig {
  if (store.type !== 'file') return store;
  return { ...store, path: store.path ?? path.join(dataDir, 'images', store.id) };
}
