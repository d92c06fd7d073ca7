/** DELETE /v2/images/{id}: in any status; a running upload then ends with 410, and no bytes stay, unless for a while. */
import { Failure } from '../base/failure.ts';
import { notifyIn } from '../database/topics.ts';
import { recordEvent } from '../events/event-records.ts';
import { cancelFlows } from '../flows/flow-cancel.ts';
import type { Caller } from '../identity/caller.ts';
import { activeLocations, doomLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { checkPrecondition } from './change.ts';
import { deleteKey } from './delete-key.ts';
import { imageDeletion } from './image-event.ts';
import { buryImage, findVisible, lockVisible, setAside } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { requireUnused } from './require-unused.ts';
import { type ShowingParts, shownTo } from './shown.ts';
import { doomStaged } from './staged-records.ts';

/** Announced to every server process: `{ id }`. */
export const imageDeleted = 'image-deleted';

export interface DeleteInput {
  readonly id: string;
  readonly precondition: (revision: string) => boolean;
  /** The caller's, which the key manager is asked with. */
  readonly token: string | null;
}

export async function deleteImage(
  parts: ShowingParts & Pick<ImageParts, 'database' | 'uploads' | 'keyManager' | 'log'>,
  caller: Caller,
  input: DeleteInput,
): Promise<void> {
  const before = await findVisible(parts.database.db, parts.policy, caller, input.id);
  parts.policy.require('delete_image', caller, before.target);
  if (!before.image.protected) await requireUnused(parts, before.image.id);
  const { doomed, gone } = await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, parts.policy, caller, input.id);
    parts.policy.require('delete_image', caller, target);
    checkPrecondition(await shownTo(parts, queries, caller, image), input.precondition);
    if (image.protected)
      throw new Failure('image_protected', `Image ${image.id} is protected and cannot be deleted.`);

    await cancelFlows(queries, { subject: image.id });
    const locations = await activeLocations(queries, image.id);
    if (parts.settings.delayedDelete && image.status === 'active' && locations.length > 0) {
      await setAside(queries, image.id);
      await recordEvent(queries, imageDeletion(image, 'pending_delete'));
      return { doomed: [], gone: null };
    }
    const bytes = [...(await doomLocations(queries, image.id)), ...(await doomStaged(queries, image.id))];
    await buryImage(queries, image);
    await recordEvent(queries, imageDeletion(image));
    await notifyIn(queries, imageDeleted, { id: image.id });
    return { doomed: bytes, gone: image };
  });
  parts.uploads.abortImage(input.id.toLowerCase());
  await removeBytes(parts, doomed);
  if (gone !== null) await deleteKey(parts, gone, input.token);
}
