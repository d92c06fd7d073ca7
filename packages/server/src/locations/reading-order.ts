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

/**
 * Those to try first come first: stores that serve and copies without trouble, those `preferred`, heavier stores, and
 * then what this process has seen to be quick of late (seed S1).
 */
export function nearestFirst(
  stores: Stores,
  locations: readonly Location[],
  preferred: readonly string[],
  bytes: number,
): Location[] {
  const rank = ({ store }: Location) =>
    preferred.includes(store) ? preferred.indexOf(store) : preferred.length;
  return inReadingOrder(stores, locations)
    .map((location) => {
      const { store, trouble } = location;
      const doubts = (stores.health.isResting(store) ? 1 : 0) + (trouble === null ? 0 : 2);
      const weight = stores.byId(store)?.weight ?? Number.NEGATIVE_INFINITY;
      const by = [doubts, rank(location), -weight, stores.health.expectedMs(store, bytes)];
      return { location, by };
    })
    .toSorted((a, b) => compare(a.by, b.by))
    .map(({ location }) => location);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) if (value !== b[index]) return value < b[index]! ? -1 : 1;
  return 0;
}
