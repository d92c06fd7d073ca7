/** Stores as they go over the wire (API section 6). */
import type { StoreDetail, StoreRecord } from '@tintype/contract';
import type { ShownStore } from '../locations/list-stores.ts';

export function renderStore({ store, isDefault }: ShownStore): StoreRecord {
  return {
    id: store.id,
    ...(store.description === null ? {} : { description: store.description }),
    ...(isDefault ? { default: 'true' } : {}),
    ...(store.readOnly ? { 'read-only': 'true' } : {}),
  };
}

export function renderStoreDetail(shown: ShownStore): StoreDetail {
  const { type, weight, properties = {} } = shown.store;
  return { ...renderStore(shown), type, weight, properties };
}
