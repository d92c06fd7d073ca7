/** GET /v2/images/{id}: one record; touches no store. */
import type { Caller } from '../identity/caller.ts';
import type { Image } from './image.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';

export async function showImage(
  parts: Pick<ImageParts, 'database'>,
  caller: Caller,
  id: string,
): Promise<Image> {
  return await findVisible(parts.database.db, caller, id);
}
