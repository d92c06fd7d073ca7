/** GET /v2/info/stores and /v2/info/stores/detail: where images can be (API section 6). */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import type { Policy } from '../policy/policy.ts';
import type { Stores } from '../stores/registry.ts';
import type { Store, StoreCapacity } from '../stores/store.ts';

export interface ShownStore {
  readonly store: Pick<Store, 'id' | 'type' | 'weight' | 'description' | 'readOnly' | 'properties'>;
  readonly isDefault: boolean;
}

/** In the order of the configuration. Fails with single_store. */
export function listStores({ stores }: { readonly stores: Stores }): ShownStore[] {
  if (!stores.several) throw new Failure('single_store', 'This server has a single store.');
  return stores.all.map((store) => ({ store, isDefault: store === stores.default }));
}

export interface DetailedStore extends ShownStore {
  /** Null: nothing can be put there. */
  readonly capacity: StoreCapacity | null;
}

/** Fails like `listStores`, and with forbidden. Waits for no store that does not answer. */
export async function listStoreDetails(
  parts: { readonly stores: Stores; readonly policy: Policy },
  caller: Caller,
): Promise<DetailedStore[]> {
  const shown = listStores(parts);
  parts.policy.require('stores_info_detail', caller, { project_id: caller.projectId });
  const { all, capacities } = parts.stores;
  const rooms = await Promise.all(all.map((store) => capacities.of(store)));
  return shown.map((one, index) => ({ ...one, capacity: rooms[index] ?? null }));
}
