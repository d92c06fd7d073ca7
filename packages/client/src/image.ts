/** The image record as clients meet it, and which of its attributes are custom properties. */
import type { ImageRecord, ImageStatus, Visibility } from '@tintype/contract';

/** One image. Custom properties are further members, all strings. */
export type Image = Omit<ImageRecord, 'status' | 'visibility'> & {
  readonly status: ImageStatus;
  readonly visibility: Visibility;
} & { readonly [property: string]: unknown };

/** What a caller may set: base attributes by their wire names, anything else a custom property. */
export interface ImageAttributes {
  readonly id?: string;
  readonly name?: string | null;
  readonly visibility?: Visibility;
  readonly protected?: boolean;
  readonly os_hidden?: boolean;
  readonly owner?: string | null;
  readonly disk_format?: string | null;
  readonly container_format?: string | null;
  /** GiB */
  readonly min_disk?: number;
  /** MiB */
  readonly min_ram?: number;
  readonly tags?: readonly string[];
  readonly [property: string]: string | number | boolean | null | readonly string[] | undefined;
}

const baseNames = {
  id: true,
  name: true,
  status: true,
  visibility: true,
  protected: true,
  os_hidden: true,
  owner: true,
  disk_format: true,
  container_format: true,
  min_disk: true,
  min_ram: true,
  tags: true,
  size: true,
  virtual_size: true,
  checksum: true,
  os_hash_algo: true,
  os_hash_value: true,
  created_at: true,
  updated_at: true,
  self: true,
  file: true,
  schema: true,
  stores: true,
  direct_url: true,
  locations: true,
} as const satisfies Record<keyof ImageRecord, true>;

const base: ReadonlySet<string> = new Set(Object.keys(baseNames));

/** Whether the API itself defines the attribute; every other name is a custom property. */
export function isBaseAttribute(name: string): boolean {
  return base.has(name);
}

/** The custom properties of an image, by name. */
export function customProperties(image: Image): Record<string, string> {
  const properties = Object.entries(image).filter(
    ([name, value]) => !base.has(name) && typeof value === 'string',
  );
  return Object.fromEntries(properties) as Record<string, string>;
}
