/** What follows from reading a location's data: for the record, the location, and the task that tells of it. */
import type { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import type { NewEvent } from '../events/event.ts';
import { recordEvent } from '../events/event-records.ts';
import { activeLocations, type Location, setLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { type LocationCheck, takeCheck } from './check-records.ts';
import type { Image } from './image.ts';
import { imageEvent } from './image-event.ts';
import { type DataFacts, lockImage, moveStatus, noData, recordFacts } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { finishTask } from './task-records.ts';

type Parts = Pick<ImageParts, 'database' | 'session' | 'stores' | 'log'>;

/** The data is what it should be. False, and nothing done, when the image has learned otherwise meanwhile. */
export async function acceptLocation(
  { database, session }: Parts,
  check: LocationCheck,
  facts: DataFacts,
): Promise<boolean> {
  return await database.transaction(async (queries) => {
    const image = await lockImage(queries, check.image_id);
    if (image !== undefined && image.os_hash_value !== null && !agrees(image, facts)) return false;
    if (!(await takeCheck(queries, check.id, session.processNumber))) return true;
    if (image !== undefined) await recordEvent(queries, await settled(queries, image, facts));
    await finishTask(queries, check.id, 'success', `Read ${facts.size} bytes`);
    return true;
  });
}

async function settled(queries: Queries, image: Image, facts: DataFacts): Promise<NewEvent> {
  const after = await recordFacts(queries, image, facts);
  if (image.status !== 'importing') return imageEvent('image.update', after);
  const active = await moveStatus(queries, image.id, 'importing', 'active');
  return imageEvent('image.activate', active!);
}

function agrees(image: Image, facts: DataFacts): boolean {
  return image.os_hash_algo === facts.os_hash_algo && image.os_hash_value === facts.os_hash_value;
}

/** The data is not what it should be: nobody gets it from here. */
export async function rejectLocation(parts: Parts, check: LocationCheck, failure: Failure): Promise<void> {
  await settle(parts, check, failure, async (queries, image, rest) => {
    if (rest.length > 0) return ['The location was removed.', await setLocations(queries, image.id, rest)];
    const after = image.status === 'active' && (await moveStatus(queries, image.id, 'active', 'deactivated'));
    if (after) await recordEvent(queries, imageEvent('image.update', after));
    return ['The image was deactivated.', []];
  });
}

/** The data could not be read: an image that is in use keeps the location. */
export async function giveUpLocation(parts: Parts, check: LocationCheck, failure: Failure): Promise<void> {
  await settle(parts, check, failure, async () => ['What the data is remains unknown.', []]);
}

/** Ends the check; an image that waited for it is queued again, without the location and its bytes. */
async function settle(
  parts: Parts,
  check: LocationCheck,
  failure: Failure,
  inUse: (queries: Queries, image: Image, rest: readonly Location[]) => Promise<[string, Location[]]>,
): Promise<void> {
  const doomed = await parts.database.transaction(async (queries) => {
    const image = await lockImage(queries, check.image_id);
    if (!(await takeCheck(queries, check.id, parts.session.processNumber))) return [];
    const [told, removed] =
      image === undefined ? ['The image was deleted.', []] : await follow(queries, image);
    const message = `${failure.message} ${told}`;
    await finishTask(queries, check.id, 'failure', message, { error: { code: failure.code, message } });
    return removed;
  });
  await removeBytes(parts, doomed);

  async function follow(queries: Queries, image: Image): Promise<[string, Location[]]> {
    const locations = await activeLocations(queries, image.id);
    const rest = locations.filter(({ id }) => id !== check.location_id);
    if (rest.length === locations.length) return ['The location is gone.', []];
    if (image.status !== 'importing') return await inUse(queries, image, rest);
    const queued = await moveStatus(queries, image.id, 'importing', 'queued', noData);
    await recordEvent(queries, imageEvent('image.update', queued!));
    return ['The image is queued again.', await setLocations(queries, image.id, rest)];
  }
}
