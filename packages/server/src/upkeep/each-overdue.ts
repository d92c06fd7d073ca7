/** Goes through the images that are overdue, each in a transaction of its own that holds its row. */
import type { Queries } from '../database/queries.ts';
import type { Image } from '../images/image.ts';
import { lockImage } from '../images/image-records.ts';
import { type Overdue, overdueImages } from '../images/overdue-records.ts';
import type { UpkeepParts, UpkeepRun } from './job.ts';

/** Images looked at in one go. */
const batch = 100;

/** `work` is asked for every image that still is overdue once its row is held; it says whether it had to do anything. */
export async function eachOverdue(
  { database }: UpkeepParts,
  { signal, tell }: UpkeepRun,
  overdue: Overdue,
  work: (queries: Queries, image: Image) => Promise<boolean>,
): Promise<void> {
  let after: string | null = null;
  for (;;) {
    const ids: string[] = await overdueImages(database.db, overdue, { after, most: batch });
    for (const id of ids) {
      signal.throwIfAborted();
      const isDone = await database.transaction(async (queries) => {
        const image = await lockImage(queries, id);
        const [isStill] = await overdueImages(queries, overdue, { id });
        return image !== undefined && isStill !== undefined && (await work(queries, image));
      });
      if (isDone) tell(id);
    }
    if (ids.length < batch) return;
    after = ids.at(-1)!;
  }
}
