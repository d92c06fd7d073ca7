/** Images as one caller reads them: without protected properties, with as much about their bytes as is shown. */
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import { type Location, locationsOf } from '../locations/location-records.ts';
import { inReadingOrder, urlOf } from '../locations/reading-order.ts';
import { imageTarget } from '../policy/policy.ts';
import type { Image } from './image.ts';
import type { ImageParts } from './parts.ts';
import { readable } from './readable.ts';

export interface ShownLocation {
  readonly url: string;
  readonly metadata: Record<string, string>;
}

/** What is said of the bytes depends on settings, policy and the number of stores. */
export interface ShownImage extends Image {
  /** Ids, comma separated. */
  readonly stores?: string;
  readonly direct_url?: string;
  readonly locations?: ShownLocation[];
}

export type ShowingParts = Pick<ImageParts, 'policy' | 'protections' | 'settings' | 'stores'>;

export async function shownTo(
  parts: ShowingParts,
  queries: Queries,
  caller: Caller,
  image: Image,
): Promise<ShownImage> {
  const [shown] = await allShownTo(parts, queries, caller, [image]);
  return shown!;
}

/** One query for all of them, and none where nothing about bytes is shown. */
export async function allShownTo(
  parts: ShowingParts,
  queries: Queries,
  caller: Caller,
  images: readonly Image[],
): Promise<ShownImage[]> {
  const { settings, stores } = parts;
  const mine = images.map((image) => readable(parts, caller, image));
  if (!stores.several && !settings.showDirectUrl && !settings.showMultipleLocations) return mine;
  const ids = images.map(({ id }) => id);
  const byImage = ids.length === 0 ? new Map() : await locationsOf(queries, ids);
  return mine.map((image) => ({ ...image, ...places(parts, caller, image, byImage.get(image.id) ?? []) }));
}

export function showLocation(
  stores: ImageParts['stores'],
  location: Omit<Location, 'id' | 'image_id'>,
): ShownLocation {
  return { url: urlOf(stores, location), metadata: { ...location.metadata, store: location.store } };
}

function places(
  { policy, settings, stores }: ShowingParts,
  caller: Caller,
  image: Image,
  locations: readonly Location[],
): Pick<ShownImage, 'stores' | 'direct_url' | 'locations'> {
  const isShown = (setting: boolean) =>
    setting && policy.isAllowed('get_image_location', caller, imageTarget(image));
  const ids = new Set(locations.map(({ store }) => store));
  const [best] = inReadingOrder(stores, locations);
  return {
    ...(stores.several && ids.size > 0 ? { stores: [...ids].join(',') } : {}),
    ...(best !== undefined && isShown(settings.showDirectUrl) ? { direct_url: urlOf(stores, best) } : {}),
    ...(isShown(settings.showMultipleLocations)
      ? { locations: locations.map((location) => showLocation(stores, location)) }
      : {}),
  };
}
