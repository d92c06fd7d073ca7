/** A new image from the old words. */
import type { ImageAttributes } from '../image.ts';
import type { NewWords } from './to-new.ts';

/** `isEmpty`: it is to become active without data, for which the API, unlike the old one, wants formats. */
export function creationOf(words: NewWords, id: string | undefined, isEmpty: boolean): ImageAttributes {
  const { attributes, isPublic, properties } = words;
  const texts = [...properties].filter(([, text]) => text !== null) as [string, string][];
  return {
    ...Object.fromEntries(texts),
    ...attributes,
    ...(id === undefined ? {} : { id }),
    ...(isPublic === null ? {} : { visibility: isPublic ? 'public' : 'private' }),
    ...(isEmpty
      ? {
          disk_format: attributes.disk_format ?? 'raw',
          container_format: attributes.container_format ?? 'bare',
        }
      : {}),
  };
}
