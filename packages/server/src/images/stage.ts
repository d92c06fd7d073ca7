/** PUT /v2/images/{id}/stage: data that waits in the staging area until it is imported. */
import { Measure } from '../base/measure.ts';
import type { Caller } from '../identity/caller.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { checkAnnouncedSize, type ReceivedInput, receive } from './receive.ts';
import { recordStaged } from './staged-records.ts';
import { statusConflict } from './status.ts';
import { putUnlessEmpty } from './store-data.ts';

export async function stageImage(parts: ImageParts, caller: Caller, input: ReceivedInput): Promise<void> {
  const { sizeCap } = parts.settings;
  checkAnnouncedSize(input.expectedSize, sizeCap);
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, input.id);
  // Glance: staging is a change of the image to its policy, not an upload.
  parts.policy.require('modify_image', caller, target);
  if (image.status !== 'queued') throw statusConflict(image.id, image.status, 'queued', 'staging');

  const { expectedSize, expectedDigests } = input;
  const store = parts.stores.staging;
  await receive(parts, caller, {
    input,
    image,
    store,
    quota: 'image_stage_total',
    async take({ key }, arrival, signal) {
      // What it is, and its hash, are found out when it is imported.
      const measure = new Measure({
        cap: sizeCap,
        expectedSize,
        hashAlgorithm: null,
        md5: false,
        expectedDigests,
      });
      await putUnlessEmpty(store, key, measure.through(arrival()), signal);
      return { size: measure.size };
    },
    record: (upload, { size }, hasRoom) => recordStaged(parts.database, upload, size, hasRoom),
  });
}
