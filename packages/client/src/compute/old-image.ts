/** The words of Image API v1, which services around compute still speak: its record, what it takes, its properties. */
import type { ImageStatus } from '@tintype/contract';

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Text, but `block_device_mapping` and `mappings`, which hold what their JSON text says. */
export type OldProperties = Readonly<Record<string, Json>>;

/** One image. It has these members and no others, whatever attributes the API gains. */
export interface OldImage {
  readonly id: string;
  readonly name: string | null;
  readonly status: Exclude<ImageStatus, 'uploading' | 'importing'>;
  readonly is_public: boolean;
  readonly owner: string | null;
  readonly disk_format: string | null;
  readonly container_format: string | null;
  /** Bytes; 0 without data. */
  readonly size: number;
  readonly virtual_size: number | null;
  /** MD5 of the data. */
  readonly checksum: string | null;
  /** GiB */
  readonly min_disk: number;
  /** MiB */
  readonly min_ram: number;
  readonly protected: boolean;
  /** `YYYY-MM-DDTHH:MM:SSZ` */
  readonly created_at: string;
  readonly updated_at: string;
  /** The API shows no deleted image. */
  readonly deleted: false;
  readonly deleted_at: null;
  readonly properties: OldProperties;
}

/** What a caller may give; numbers and flags also as text. A record that was read can be given back. */
export interface OldImageAttributes {
  /** To create an image with; later it says nothing. */
  readonly id?: string;
  readonly name?: string | null;
  /** true: `visibility` public. false: private, unless the image is shared or of the community already. */
  readonly is_public?: boolean | string;
  readonly owner?: string | null;
  readonly disk_format?: string | null;
  readonly container_format?: string | null;
  readonly min_disk?: number | string;
  readonly min_ram?: number | string;
  readonly protected?: boolean | string;
  /** null takes a property away. Flags are written as `True` and `False`. */
  readonly properties?: OldProperties;
  /** Bytes that the data must have; 0 in a creation without data makes an active image without bytes. */
  readonly size?: number | string | null;
  /** MD5 that the data must have. */
  readonly checksum?: string | null;
  /** Id of the store that the data goes to. */
  readonly store?: string | null;
  /** URL at which the data is and stays; `size` and `checksum` are held against it. */
  readonly location?: string | null;
  /** URL that the server copies the data from, after the call. */
  readonly copy_from?: string | null;
  /** Passed over, as the service sets them. */
  readonly status?: string;
  readonly virtual_size?: number | string | null;
  readonly created_at?: string | null;
  readonly updated_at?: string | null;
  readonly deleted_at?: string | null;
  readonly deleted?: boolean | string;
}
