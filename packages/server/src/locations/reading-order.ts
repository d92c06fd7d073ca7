/** Which of an image's locations to read from, and how clients know a location. */
import type { Stores } from '../stores/registry.ts';
import type { Location } from './location-records.ts';

/** Those of heavier stores first, otherwise as they are; stores that are not configured any more come last. */
export function inReadingOrder<T extends Pick<Location, 'store'>>(
  stores: Stores,
  locations: readonly T[],
): T[] {
  const weight = ({ store }: T) => stores.byId(store)?.weight ?? Number.NEGATIVE_INFINITY;
  return locations.toSorted((a, b) => (weight(b) > weight(a) ? 1 : weight(b) < weight(a) ? -1 : 0));
}

/** For a store without URLs, or one that is not configured any more, a URL that nobody can follow. */
export function urlOf(stores: Stores, { store, key }: Pick<Location, 'store' | 'key'>): string {
  return stores.byId(store)?.urlOf?.(key) ?? `store://${store}/${encodeURIComponent(key)}`;
}
