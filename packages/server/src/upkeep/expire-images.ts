/** Gives up images that nothing has come of for too long. */
import { killImage } from '../images/kill.ts';
import { isWorkedOn, type UnfinishedStatus } from '../images/overdue-records.ts';
import { eachOverdue } from './each-overdue.ts';
import { hourMs, type UpkeepJob, type UpkeepLimits } from './job.ts';

const kinds: readonly (readonly [UnfinishedStatus, keyof UpkeepLimits, what: string])[] = [
  ['queued', 'queuedHours', 'no data came'],
  ['uploading', 'stagedHours', 'the staged data was not imported'],
  ['saving', 'stuckHours', 'nobody was at work on the upload'],
  ['importing', 'stuckHours', 'nobody was at work on the import'],
];

export const expireImages: UpkeepJob = {
  name: 'expired-images',
  does: 'gives up images that wait for data, or for work that nobody does, longer than upkeep.*Hours',
  async run(parts, run) {
    for (const [status, limit, what] of kinds) {
      const hours = parts.limits[limit];
      if (hours === 0) continue;
      await eachOverdue(parts, run, { status, ageMs: hours * hourMs }, async (queries, image) => {
        if (await isWorkedOn(queries, image.id)) return false;
        if (run.dryRun) return true;
        await killImage(queries, image, {
          type: 'expire',
          code: 'image_expired',
          message: `The image was given up: for ${hours} hours ${what}.`,
          userId: null,
          requestId: null,
        });
        return true;
      });
    }
  },
};
