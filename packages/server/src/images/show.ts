/** GET /v2/images/{id}: one record; touches no store. */
import type { Caller } from '../identity/caller.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type ShowingParts, type ShownImage, shownTo } from './shown.ts';

export async function showImage(
  parts: ShowingParts & Pick<ImageParts, 'database'>,
  caller: Caller,
  id: string,
): Promise<ShownImage> {
  const { image } = await findVisible(parts.database.db, parts.policy, caller, id);
  return await shownTo(parts, parts.database.db, caller, image);
}
