/** A patch takes no location away whose data volumes were cloned from, as little as a DELETE does. */
import { Failure } from '../base/failure.ts';
import { activeLocations, type Location } from '../locations/location-records.ts';
import { applyToLocations, type Draft, type LocationRules } from './apply-location.ts';
import { isOnLocations } from './find-offered.ts';
import type { Image } from './image.ts';
import type { ImageParts } from './parts.ts';
import type { Operation } from './patch.ts';
import { requireNotCloned } from './require-unused.ts';

/** Before the image is locked, since it asks the stores. Fails with image_in_use. */
export async function requireRemovable(
  { database, stores }: Pick<ImageParts, 'database' | 'stores'>,
  image: Image,
  operations: readonly Operation[],
  rules: LocationRules,
): Promise<void> {
  const mine = operations.filter(isOnLocations);
  if (!mine.some(({ op }) => op === 'remove')) return;
  const locations = await activeLocations(database.db, image.id);
  await requireNotCloned(stores, removedBy(mine, { image, locations }, rules, locations));
}

/** None of a patch that cannot be applied: why not, is said once the image is locked. */
function removedBy(
  operations: readonly Operation[],
  before: Draft,
  rules: LocationRules,
  locations: readonly Location[],
): Location[] {
  try {
    const after = operations.reduce((draft, operation) => applyToLocations(draft, operation, rules), before);
    return locations.filter(({ id }) => !after.locations.some((left) => left.id === id));
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}
