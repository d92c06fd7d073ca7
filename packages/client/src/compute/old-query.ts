/** Which images to list, asked in the old vocabulary. */
import { VocabularyError } from '../errors.ts';
import { literally } from '../find-image.ts';
import type { Image } from '../image.ts';
import type { ImageQuery } from '../image-query.ts';
import type { IsBase } from './base-names.ts';
import { amountOf, flagOf } from './old-values.ts';
import { textOf } from './property-text.ts';

type FilterValue = string | number | boolean | Date | null | undefined;

export interface OldImageFilters {
  readonly name?: string;
  /** `saving`: data is on its way, whichever it takes. */
  readonly status?: string;
  readonly disk_format?: string;
  readonly container_format?: string;
  readonly owner?: string;
  /** Bytes, inclusive. */
  readonly size_min?: number | string;
  readonly size_max?: number | string;
  /** Exactly these. */
  readonly min_disk?: number | string;
  readonly min_ram?: number | string;
  readonly protected?: boolean | string;
  /** false: what is not public. null and `None`: either. */
  readonly is_public?: boolean | string | null;
  /** An ISO 8601 time, in UTC unless it says another zone. */
  readonly 'changes-since'?: Date | string;
  /** Only false: the API lists no deleted images. */
  readonly deleted?: boolean | string | null;
  /** `property-NAME`, or NAME alone: a custom property that has this value. */
  readonly [property: string]: FilterValue;
}

export interface OldImageQuery {
  readonly filters?: OldImageFilters;
  /** Images in all. */
  readonly limit?: number;
  /** Images a request. */
  readonly page_size?: number;
  /** Id of the image before the first wanted. */
  readonly marker?: string;
  /** `created_at` unless given. */
  readonly sort_key?: string;
  /** `desc` unless given. */
  readonly sort_dir?: string;
}

/** What to ask of the API, and what to pass over in its answer. */
export interface ListRequest {
  readonly query: ImageQuery;
  readonly accepts: (image: Image) => boolean;
}

const pageSize = 200;
const prefix = 'property-';
const texts: ReadonlySet<string> = new Set([
  'id',
  'status',
  'disk_format',
  'container_format',
  'owner',
  'checksum',
]);
const amounts: ReadonlySet<string> = new Set(['size_min', 'size_max', 'min_disk', 'min_ram']);
const time = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;
/** Parameters of a list that are no attributes: a property of such a name cannot be asked for. */
const parameters: ReadonlySet<string> = new Set([
  ...['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'tag', 'member_status', 'size_min', 'size_max'],
]);

/** Throws VocabularyError. */
export function listRequest(old: OldImageQuery, isBase: IsBase): ListRequest {
  const { filters = {}, limit, marker, sort_key, sort_dir } = old;
  const isPublic = publicity(filters.is_public);
  const query: Record<string, unknown> = isPublic === true ? { visibility: 'public' } : {};
  const properties: [name: string, value: string][] = [];
  for (const [name, value] of Object.entries(filters)) {
    if (name === 'is_public' || value === undefined || value === null) continue;
    const plain = plainFilter(name, value);
    if (plain !== null) Object.assign(query, plain);
    else properties.push(propertyFilter(name, value, isBase));
  }
  const page = old.page_size ?? pageSize;
  // What is passed over must not count.
  query.limit = isPublic === false || limit === undefined ? page : Math.min(page, limit);
  if (marker !== undefined) query.marker = marker;
  if (sort_key !== undefined || sort_dir !== undefined)
    query.sort = `${sort_key ?? 'created_at'}:${sort_dir ?? 'desc'}`;
  return {
    query: { ...query, properties: Object.fromEntries(properties) },
    accepts: isPublic === false ? ({ visibility }) => visibility !== 'public' : () => true,
  };
}

/** null: public or not. */
function publicity(value: FilterValue): boolean | null {
  if (value === undefined || value === null) return null;
  if (String(value).trim().toLowerCase() === 'none') return null;
  return flagOf('is_public', value);
}

/** What the API calls a filter that is no property; null for a property. */
function plainFilter(name: string, value: NonNullable<FilterValue>): ImageQuery | null {
  if (name === 'name') return { name: literally(String(value)) };
  if (name === 'changes-since') return { updated_at: `gte:${timeOf(value)}` };
  if (name === 'protected') return { protected: flagOf(name, value) };
  if (name === 'status' && value === 'saving') return { status: 'in:saving,uploading,importing' };
  if (texts.has(name)) return { [name]: String(value) };
  if (amounts.has(name)) return { [name]: amountOf(name, value) };
  if (name !== 'deleted') return null;
  if (flagOf(name, value)) throw new VocabularyError('the API lists no deleted images');
  return {};
}

function propertyFilter(name: string, value: NonNullable<FilterValue>, isBase: IsBase): [string, string] {
  const property = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  if (property === '' || isBase(property) || parameters.has(property))
    throw new VocabularyError(`images cannot be filtered by "${name}" here: ask through ImageClient`);
  const text = value instanceof Date ? value.toISOString() : textOf(property, value);
  return [property, text ?? ''];
}

/** Services leave the zone out when they mean UTC. */
function timeOf(value: NonNullable<FilterValue>): string {
  const isDate = value instanceof Date && !Number.isNaN(value.getTime());
  const match = time.exec(isDate ? value.toISOString() : String(value).trim());
  if (match === null) throw new VocabularyError(`changes-since is no ISO 8601 time: ${String(value)}`);
  const [, day, clock = '00:00', zone = 'Z'] = match;
  return `${day}T${clock}${zone}`;
}
