/** GET /v2/images/{id}: one record; touches no store. */
import type { Caller } from '../identity/caller.ts';
import { findRemembered, type RememberingParts } from './remembered-records.ts';
import { type ShowingParts, type ShownImage, shownTo } from './shown.ts';

export async function showImage(
  parts: ShowingParts & RememberingParts,
  caller: Caller,
  id: string,
): Promise<ShownImage> {
  const image = await findRemembered(parts, caller, id);
  return await shownTo(parts, parts.database.db, caller, image);
}
