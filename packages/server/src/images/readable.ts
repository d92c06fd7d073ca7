/** An image as one caller may read it: without the properties that are protected from this caller. */
import type { Caller } from '../identity/caller.ts';
import type { Image } from './image.ts';
import type { ImageParts } from './parts.ts';

export function readable(
  { protections }: Pick<ImageParts, 'protections'>,
  caller: Caller,
  image: Image,
): Image {
  const all = Object.entries(image.properties);
  const mine = all.filter(([name]) => protections.isAllowed('read', name, caller));
  return mine.length === all.length ? image : { ...image, properties: Object.fromEntries(mine) };
}
