/** An image as one caller may read it: without the properties that are protected from this caller. */
import type { Caller } from '../identity/caller.ts';
import type { Image } from './image.ts';
import type { ImageParts } from './parts.ts';

export function readable(
  { protections }: Pick<ImageParts, 'protections'>,
  caller: Caller,
  image: Image,
): Image {
  const isMine = (name: string) => protections.isAllowed('read', name, caller);
  if (Object.keys(image.properties).every(isMine)) return image;
  const mine = Object.entries(image.properties).filter(([name]) => isMine(name));
  return { ...image, properties: Object.fromEntries(mine) };
}
