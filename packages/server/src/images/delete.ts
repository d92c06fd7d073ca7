/** DELETE /v2/images/{id}: in any status; a running upload then ends with 410, and no bytes stay, unless for a while. */
import { Failure } from '../base/failure.ts';
import { notifyIn } from '../database/topics.ts';
import { cancelFlows } from '../flows/flow-cancel.ts';
import type { Caller } from '../identity/caller.ts';
import { activeLocations, setLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { checkPrecondition } from './change.ts';
import { buryImage, lockVisible, setAside } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type ShowingParts, shownTo } from './shown.ts';
import { doomStaged } from './staged-records.ts';

/** Announced to every server process: `{ id }`. */
export const imageDeleted = 'image-deleted';

export interface DeleteInput {
  readonly id: string;
  readonly precondition: (revision: string) => boolean;
}

export async function deleteImage(
  parts: ShowingParts & Pick<ImageParts, 'database' | 'uploads' | 'log'>,
  caller: Caller,
  input: DeleteInput,
): Promise<void> {
  const doomed = await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, parts.policy, caller, input.id);
    parts.policy.require('delete_image', caller, target);
    checkPrecondition(await shownTo(parts, queries, caller, image), input.precondition);
    if (image.protected)
      throw new Failure('image_protected', `Image ${image.id} is protected and cannot be deleted.`);

    await cancelFlows(queries, { subject: image.id });
    const locations = await activeLocations(queries, image.id);
    if (parts.settings.delayedDelete && image.status === 'active' && locations.length > 0) {
      await setAside(queries, image.id);
      return [];
    }
    await setLocations(queries, image.id, []);
    locations.push(...(await doomStaged(queries, image.id)));
    await buryImage(queries, image);
    await notifyIn(queries, imageDeleted, { id: image.id });
    return locations;
  });
  parts.uploads.abortImage(input.id.toLowerCase());
  await removeBytes(parts, doomed);
}
