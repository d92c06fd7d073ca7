/** Deletes for good what delayed deletion has kept long enough. */
import { dueForScrub, scrubImages } from '../images/scrub.ts';
import type { UpkeepJob } from './job.ts';

export const scrubDeleted: UpkeepJob = {
  name: 'deleted-images',
  does: 'deletes images for good whose deletion was delayed (images.delayedDelete) for images.scrubTime',
  async run({ database, scrubMs: keptMs }, { dryRun, tell, signal }) {
    if (!dryRun) await scrubImages(database, { keptMs, tell, signal });
    else for (const id of await dueForScrub(database, { keptMs })) tell(id);
  },
};
