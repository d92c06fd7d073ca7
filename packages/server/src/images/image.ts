/** The image record inside the server, and the names that make up its base attributes (API section 2). */
import { createHash } from 'node:crypto';
import type { ImageStatus, Visibility } from '@tintype/contract';

/** Custom properties; null only for kernel_id and ramdisk_id. */
export type Properties = Record<string, string | null>;

export interface Image {
  readonly id: string;
  readonly name: string | null;
  readonly status: ImageStatus;
  readonly visibility: Visibility;
  readonly protected: boolean;
  readonly os_hidden: boolean;
  readonly owner: string | null;
  readonly disk_format: string | null;
  readonly container_format: string | null;
  /** GiB. */
  readonly min_disk: number;
  /** MiB. */
  readonly min_ram: number;
  /** Bytes, null while there is no data. */
  readonly size: number | null;
  readonly virtual_size: number | null;
  /** MD5 in hex. */
  readonly checksum: string | null;
  readonly os_hash_algo: string | null;
  readonly os_hash_value: string | null;
  readonly tags: string[];
  readonly properties: Properties;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Changes whenever anything of the record does, and with nothing else: the ETag of the record. */
export function revisionOf(image: Image): string {
  const { properties, ...base } = image;
  const facts = [...Object.entries(base).sort(byName), ...Object.entries(properties).sort(byName)];
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64url').slice(0, 27);
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isImageId(text: string): boolean {
  return uuid.test(text);
}
