/** An image as the API has it, told in the old vocabulary. */
import type { ImageStatus } from '@tintype/contract';
import type { Image } from '../image.ts';
import type { IsBase } from './base-names.ts';
import type { OldImage } from './old-image.ts';
import { oldValue } from './property-text.ts';

/** The custom properties that have a value, as the API keeps them. */
export function propertyTexts(image: Image, isBase: IsBase): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(image))
    if (!isBase(name) && typeof value === 'string') texts.set(name, value);
  return texts;
}

/** Data on its way is being saved, whichever way it takes. */
function oldStatus(status: ImageStatus): OldImage['status'] {
  return status === 'uploading' || status === 'importing' ? 'saving' : status;
}

export function toOldImage(image: Image, isBase: IsBase): OldImage {
  const properties = Array.from(propertyTexts(image, isBase), ([name, text]) => [name, oldValue(name, text)]);
  return {
    id: image.id,
    name: image.name ?? null,
    status: oldStatus(image.status),
    is_public: image.visibility === 'public',
    owner: image.owner ?? null,
    disk_format: image.disk_format ?? null,
    container_format: image.container_format ?? null,
    size: image.size ?? 0,
    virtual_size: image.virtual_size ?? null,
    checksum: image.checksum ?? null,
    min_disk: image.min_disk,
    min_ram: image.min_ram,
    protected: image.protected,
    created_at: image.created_at,
    updated_at: image.updated_at,
    deleted: false,
    deleted_at: null,
    properties: Object.fromEntries(properties),
  };
}
