/** Takes one of several copies from an image; never the last one that can be read. */
import { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import { recordEvent } from '../events/event-records.ts';
import { activeLocations, type Location, setLocations } from '../locations/location-records.ts';
import type { Image } from './image.ts';
import { imageEvent } from './image-event.ts';
import { touchImage } from './image-records.ts';
import { statusConflict } from './status.ts';

/**
 * In a transaction that holds the image's row; resolves with what has to be removed then. `absent`: what to say when
 * `isWanted` finds no copy. Fails with status_conflict, last_location, or location_not_found.
 */
export async function removeCopy(
  queries: Queries,
  image: Image,
  isWanted: (copy: Location) => boolean,
  absent: string,
): Promise<Location[]> {
  if (image.status !== 'active')
    throw statusConflict(image.id, image.status, 'active', 'removing data from a store');
  const copies = await activeLocations(queries, image.id);
  // Glance: said first, wherever the one location is.
  if (copies.length === 1)
    throw new Failure('last_location', `Image ${image.id} is in one store only: delete the image instead.`);
  const at = copies.findIndex(isWanted);
  if (at === -1) throw new Failure('location_not_found', absent);
  const rest = copies.toSpliced(at, 1);
  if (copies[at]!.trouble === null && rest.every(({ trouble }) => trouble !== null))
    throw new Failure('last_location', `No other copy of image ${image.id} can be read.`);
  const after = await touchImage(queries, image.id);
  await recordEvent(queries, imageEvent('image.update', after!));
  return await setLocations(queries, image.id, rest);
}
