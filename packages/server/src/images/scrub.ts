/** Deletes for good the images whose deletion was delayed long enough. */
import { notifyIn } from '../database/topics.ts';
import { doomLocations, type Location } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { imageDeleted } from './delete.ts';
import { buryImage, deletedBefore, lockImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';

type Parts = Pick<ImageParts, 'database' | 'stores' | 'settings' | 'log'>;

/** Images looked at in one go. */
const batch = 100;

/** Resolves with how many. */
export async function scrubImages(parts: Parts): Promise<number> {
  const before = new Date(Date.now() - parts.settings.scrubMs);
  let scrubbed = 0;
  for (;;) {
    const ids = await deletedBefore(parts.database.db, before, batch);
    for (const id of ids) {
      const doomed = await bury(parts, id, before);
      if (doomed === null) continue;
      await removeBytes(parts, doomed);
      scrubbed += 1;
    }
    if (ids.length < batch) return scrubbed;
  }
}

/** Null when it was restored, or scrubbed by another process, meanwhile. */
async function bury({ database }: Parts, id: string, before: Date): Promise<Location[] | null> {
  return await database.transaction(async (queries) => {
    const image = await lockImage(queries, id);
    const [isDue] = await deletedBefore(queries, before, 1, id);
    if (image === undefined || isDue === undefined) return null;
    const locations = await doomLocations(queries, id);
    await buryImage(queries, image);
    await notifyIn(queries, imageDeleted, { id });
    return locations;
  });
}
