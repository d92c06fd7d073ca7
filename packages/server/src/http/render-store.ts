/** Stores as they go over the wire (API section 6). */
import type { StoreDetail, StoreRecord } from '@tintype/contract';
import type { DetailedStore, ShownStore } from '../locations/list-stores.ts';

export function renderStore({ store, isDefault }: ShownStore): StoreRecord {
  return {
    id: store.id,
    ...(store.description === null ? {} : { description: store.description }),
    ...(isDefault ? { default: 'true' } : {}),
    ...(store.readOnly ? { 'read-only': 'true' } : {}),
  };
}

export function renderStoreDetail(shown: DetailedStore): StoreDetail {
  const { type, weight, properties = {} } = shown.store;
  const detail = { ...renderStore(shown), type, weight, properties };
  if (shown.capacity === null) return detail;
  const { usedBytes, totalBytes, freeBytes } = shown.capacity;
  return {
    ...detail,
    capacity: { used_bytes: usedBytes, total_bytes: totalBytes, free_bytes: freeBytes },
  };
}
