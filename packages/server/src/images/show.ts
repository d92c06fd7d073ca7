/** GET /v2/images/{id}: one record; touches no store. */
import type { Caller } from '../identity/caller.ts';
import type { Image } from './image.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { readable } from './readable.ts';

export async function showImage(
  parts: Pick<ImageParts, 'database' | 'policy' | 'protections'>,
  caller: Caller,
  id: string,
): Promise<Image> {
  const { image } = await findVisible(parts.database.db, parts.policy, caller, id);
  return readable(parts, caller, image);
}
