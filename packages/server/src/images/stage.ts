/** PUT /v2/images/{id}/stage: data that waits in the staging area until it is imported. */
import { Measure } from '../base/measure.ts';
import type { Caller } from '../identity/caller.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { checkAnnouncedSize, type ReceivedInput, type Reception, receive } from './receive.ts';
import { recordStaged } from './staged-records.ts';
import { statusConflict } from './status.ts';
import { putUnlessEmpty } from './store-data.ts';

export async function stageImage(parts: ImageParts, caller: Caller, input: ReceivedInput): Promise<void> {
  checkAnnouncedSize(input.expectedSize, parts.settings.sizeCap);
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, input.id);
  // Glance: staging is a change of the image to its policy, not an upload.
  parts.policy.require('modify_image', caller, target);
  if (image.status !== 'queued') throw statusConflict(image.id, image.status, 'queued', 'staging');

  await receive(parts, caller, {
    input,
    image,
    store: parts.stores.staging,
    quota: 'image_stage_total',
    take: intoStaging(parts, input),
    record: (upload, { size }, hasRoom) => recordStaged(parts.database, upload, size, hasRoom),
  });
}

/** Brings what arrives into the staging area. What it is, and its hash, are found out when it is imported. */
export function intoStaging(
  { settings, stores }: Pick<ImageParts, 'settings' | 'stores'>,
  { expectedSize, expectedDigests }: ReceivedInput,
): Reception<{ readonly size: number }>['take'] {
  return async ({ key }, arrival, signal) => {
    const measure = new Measure({
      cap: settings.sizeCap,
      expectedSize,
      hashAlgorithm: null,
      md5: false,
      expectedDigests,
    });
    await putUnlessEmpty(stores.staging, key, measure.through(arrival()), signal);
    return { size: measure.size };
  };
}
