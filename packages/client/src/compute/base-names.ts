/** Which names are the API's own, by the server's schema: every other name is a custom property. */
import { isBaseAttribute } from '../image.ts';
import type { ImageSchema } from '../image-schema.ts';

export type IsBase = (name: string) => boolean;

/** Names that the schema lacks although the API defines them (which depends on the server's settings) are base too. */
export function baseNames({ properties }: ImageSchema): IsBase {
  const known = new Map(Object.entries(properties));
  return (name) => isBaseAttribute(name) || (known.has(name) && known.get(name)?.is_base !== false);
}
