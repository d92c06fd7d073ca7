/** Which images to list, and the query text that asks for them (API section 3). */
import type { Visibility } from '@tintype/contract';
import type { Image } from './image.ts';

export interface ImageQuery {
  /** These take a value, or `in:a,b` for several. */
  readonly id?: string;
  readonly name?: string;
  readonly status?: string;
  readonly disk_format?: string;
  readonly container_format?: string;
  readonly owner?: string;
  readonly visibility?: Visibility | 'all';
  readonly member_status?: 'accepted' | 'pending' | 'rejected' | 'all';
  /** Images that have every one of them. */
  readonly tags?: readonly string[];
  readonly protected?: boolean;
  /** true lists only hidden images, false or nothing only the others. */
  readonly os_hidden?: boolean;
  /** MD5 of the data. */
  readonly checksum?: string;
  /** GiB, exactly. */
  readonly min_disk?: number;
  /** MiB, exactly. */
  readonly min_ram?: number;
  /** Bytes, inclusive. */
  readonly size_min?: number;
  readonly size_max?: number;
  /** ISO 8601 with offset, alone or behind `gt: gte: lt: lte: eq: neq:`. */
  readonly created_at?: string;
  readonly updated_at?: string;
  /** Custom properties that must have these values. */
  readonly properties?: Readonly<Record<string, string>>;
  /** `key[:asc|desc],…` */
  readonly sort?: string;
  /** Images a page. */
  readonly limit?: number;
  /** Id of the last image of the page before. */
  readonly marker?: string;
}

export interface ImagePage {
  readonly images: readonly Image[];
  /** Query text of the next page; null on the last. */
  readonly next: string | null;
}

export function queryText(query: ImageQuery): string {
  const { tags = [], properties = {}, ...plain } = query;
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...properties, ...plain })) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  for (const tag of tags) parameters.append('tag', tag);
  return parameters.toString();
}
