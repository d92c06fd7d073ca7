/** Deletes killed images once everybody has had the time to read why. */
import { notifyIn } from '../database/topics.ts';
import { recordEvent } from '../events/event-records.ts';
import { imageDeleted } from '../images/delete.ts';
import { imageDeletion } from '../images/image-event.ts';
import { buryImage } from '../images/image-records.ts';
import { doomStaged } from '../images/staged-records.ts';
import { expireFailures } from '../images/task-records.ts';
import { doomLocations } from '../locations/location-records.ts';
import { eachOverdue } from './each-overdue.ts';
import { hourMs, type UpkeepJob } from './job.ts';

export const reapKilled: UpkeepJob = {
  name: 'killed-images',
  does: 'deletes images that were given up longer than upkeep.killedHours ago; their ids stay taken',
  async run(parts, run) {
    const { killedHours } = parts.limits;
    if (killedHours === 0) return;
    await eachOverdue(
      parts,
      run,
      { status: 'killed', ageMs: killedHours * hourMs },
      async (queries, image) => {
        if (run.dryRun) return true;
        await doomLocations(queries, image.id);
        await doomStaged(queries, image.id);
        await expireFailures(queries, image.id);
        await buryImage(queries, image);
        await recordEvent(queries, imageDeletion(image));
        await notifyIn(queries, imageDeleted, { id: image.id });
        return true;
      },
    );
  },
};
