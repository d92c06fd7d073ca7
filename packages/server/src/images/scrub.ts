/** Deletes for good the images whose deletion was delayed long enough. */
import type { Database } from '../database/connect.ts';
import { notifyIn } from '../database/topics.ts';
import { doomLocations } from '../locations/location-records.ts';
import { imageDeleted } from './delete.ts';
import { buryImage, deletedLongAgo, lockImage } from './image-records.ts';

/** Images looked at in one go. */
const batch = 100;

export interface Scrubbing {
  /** Milliseconds that deleted images are kept. */
  readonly keptMs: number;
  /** Called for each that is due. */
  readonly tell: (id: string) => void;
  readonly signal: AbortSignal;
}

/** Ids of those that are due, the first hundred of them. */
export async function dueForScrub(
  database: Database,
  { keptMs }: Pick<Scrubbing, 'keptMs'>,
): Promise<string[]> {
  return await deletedLongAgo(database.db, keptMs, batch);
}

/** Their bytes are marked for removal. */
export async function scrubImages(database: Database, { keptMs, tell, signal }: Scrubbing): Promise<void> {
  for (;;) {
    const ids = await dueForScrub(database, { keptMs });
    for (const id of ids) {
      signal.throwIfAborted();
      if (await bury(database, id, keptMs)) tell(id);
    }
    if (ids.length < batch) return;
  }
}

/** False when it was restored, or scrubbed by another process, meanwhile. */
async function bury(database: Database, id: string, keptMs: number): Promise<boolean> {
  return await database.transaction(async (queries) => {
    const image = await lockImage(queries, id);
    const [isDue] = await deletedLongAgo(queries, keptMs, 1, id);
    if (image === undefined || isDue === undefined) return false;
    await doomLocations(queries, id);
    await buryImage(queries, image);
    await notifyIn(queries, imageDeleted, { id });
    return true;
  });
}
