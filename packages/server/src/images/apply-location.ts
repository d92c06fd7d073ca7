/** One operation of a patch on the locations of an image, applied to a draft of it. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../base/failure.ts';
import { invalidLocation } from '../locations/find-object.ts';
import type { WantedLocation } from '../locations/location-records.ts';
import type { Image } from './image.ts';
import {
  type OfferedLocation,
  readOfferedLocation,
  readOfferedLocations,
  type ValidationData,
} from './offered-location.ts';
import type { Operation } from './patch.ts';
import { requireFormats } from './required-formats.ts';

export interface Draft {
  readonly image: Image;
  readonly locations: readonly WantedLocation[];
}

export interface LocationRules {
  /** The object at a URL that the patch offers. */
  readonly foundAt: (url: string) => { readonly store: string; readonly key: string; readonly size: number };
  /** As clients know it. */
  readonly urlOf: (location: WantedLocation) => string;
}

/** Fails with what API section 3 names for each case. */
export function applyToLocations(draft: Draft, operation: Operation, rules: LocationRules): Draft {
  const { op, position, value } = operation;
  requireMutableLocations(draft.image, op);
  if (op === 'add') {
    const at = positionOf(position!, draft.locations.length, draft.locations.length);
    return added(draft, at, readOfferedLocation(value), rules);
  }
  if (op === 'replace') return replaced(draft, readOfferedLocations(value), rules);
  if (draft.locations.length < 2)
    throw new Failure('last_location', 'The last location of an image cannot be removed.');
  const at = positionOf(position!, draft.locations.length - 1, draft.locations.length - 1);
  return { ...draft, locations: draft.locations.toSpliced(at, 1) };
}

/** Fails with status_conflict. */
export function requireMutableLocations({ id, status }: Image, op: Operation['op']): void {
  if (status === 'active' || (status === 'queued' && op !== 'remove')) return;
  const needed = op === 'remove' ? 'active' : 'queued or active';
  throw new Failure(
    'status_conflict',
    `Image ${id} is ${status}; its locations change while it is ${needed}.`,
  );
}

function positionOf(text: string, end: number, most: number): number {
  const position = text === '-' ? end : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (position <= most) return position;
  throw new Failure('invalid_patch', `There is no position '${text}' among the locations of the image.`);
}

function added({ image, locations }: Draft, at: number, offer: OfferedLocation, rules: LocationRules): Draft {
  const { store, key, size } = rules.foundAt(offer.url);
  if (locations.some((other) => other.store === store && other.key === key))
    throw invalidLocation('The image has this location already.');
  if (image.size !== null && image.size !== size)
    throw invalidLocation(`There are ${size} bytes at the location, and the image has ${image.size}.`);
  const location = { id: randomUUID(), store, key, metadata: offer.metadata, isNew: true as const };
  return {
    image: activated(image, size, offer.validation),
    locations: locations.toSpliced(at, 0, location),
  };
}

/** All of an image that has none, or new metadata for those it has. */
function replaced(draft: Draft, offers: readonly OfferedLocation[], rules: LocationRules): Draft {
  if (offers.length === 0)
    throw new Failure('last_location', 'The locations of an image cannot be replaced by none.');
  if (draft.image.status === 'queued')
    return offers.reduce((so, offer) => added(so, so.locations.length, offer, rules), draft);

  const left = [...draft.locations];
  const locations = offers.map((offer) => {
    const at = left.findIndex((location) => rules.urlOf(location) === offer.url);
    const [location] = at === -1 ? [] : left.splice(at, 1);
    if (location === undefined || (offer.storeId ?? location.store) !== location.store)
      throw invalidLocation('Locations cannot be replaced by others: add those and remove these.');
    if (offer.validation !== undefined) requireSame(draft.image, offer.validation);
    return { ...location, metadata: offer.metadata };
  });
  if (left.length > 0)
    throw invalidLocation('Locations cannot be replaced by others: add those and remove these.');
  return { ...draft, locations };
}

/** With the first location the image has data. */
function activated(image: Image, size: number, validation: ValidationData | undefined): Image {
  if (validation !== undefined) requireSame(image, validation);
  if (image.status === 'active') return image;
  requireFormats(image);
  return { ...image, ...validation, size, status: 'active' };
}

/** Fails with validation_conflict unless all that is said of the data is recorded, or may be now. */
function requireSame(image: Image, validation: ValidationData): void {
  for (const [name, value] of Object.entries(validation)) {
    const recorded = image[name as keyof ValidationData];
    if (recorded !== value && (recorded !== null || image.status !== 'queued'))
      throw new Failure(
        'validation_conflict',
        `The ${name} of image ${image.id} is ${recorded ?? 'not known'}, and no longer open to be set.`,
      );
  }
}
