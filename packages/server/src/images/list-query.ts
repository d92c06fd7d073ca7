/** GET /v2/images: the query string read into a filter, or refused (API section 3). */
import { type Visibility, visibilities } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import { readSort, type SortKey } from './list-sort.ts';
import { readTimeBound, type TimeBound } from './list-time.ts';
import { readValues } from './list-values.ts';

export interface ListFilter {
  /** 0 asks for an empty page. */
  readonly limit: number;
  readonly marker: string | null;
  readonly sort: readonly SortKey[];
  readonly visibility: Visibility | 'all' | null;
  /** How the caller's project answered, of the images shared with it. */
  readonly memberStatus: 'accepted' | 'pending' | 'rejected' | 'all';
  readonly hidden: boolean;
  /** Base attribute → the values one of which it must have. */
  readonly equal: readonly {
    readonly column: string;
    readonly values: readonly (string | number | boolean)[];
  }[];
  readonly times: readonly TimeBound[];
  readonly sizeMin: number | null;
  readonly sizeMax: number | null;
  readonly tags: readonly string[];
  readonly properties: readonly { readonly name: string; readonly value: string }[];
}

const lists = new Set(['id', 'name', 'status', 'container_format', 'disk_format']);
const texts = new Set(['owner', 'checksum', 'os_hash_algo', 'os_hash_value']);
const integers = new Set(['size', 'virtual_size', 'min_disk', 'min_ram']);
const unfilterable = new Set([
  'locations',
  'self',
  'file',
  'schema',
  'direct_url',
  'stores',
  'tags',
  'deleted',
]);
const repeatable = new Set(['tag', 'sort_key', 'sort_dir']);
/** Of min_disk and min_ram. */
const largestMinimum = 2_147_483_647;

function refuseQuery(why: string): Failure {
  return new Failure('invalid_query', why);
}

function readInteger(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw refuseQuery(`Parameter '${name}' is not a number of at least 0.`);
  return value;
}

/** The number, or nothing when it is one that no image has. */
function readNumbers(name: string, text: string): number[] {
  const value = readInteger(name, text);
  return name.startsWith('min_') && value > largestMinimum ? [] : [value];
}

function readLimit(text: string | undefined, standard: number, most: number): number {
  if (text === undefined) return Math.min(standard, most);
  if (!/^\d+$/.test(text)) throw refuseQuery("Parameter 'limit' is not a number of at least 0.");
  return Math.min(Number(text), most);
}

function readFlag(name: string, text: string): boolean {
  if (text !== 'true' && text !== 'false')
    throw refuseQuery(`Parameter '${name}' is neither true nor false.`);
  return text === 'true';
}

function readVisibility(text: string | undefined): Visibility | 'all' | null {
  if (text === undefined) return null;
  const known = [...visibilities, 'all'];
  if (!known.includes(text)) throw refuseQuery(`Parameter 'visibility' is none of ${known.join(', ')}.`);
  return text as Visibility | 'all';
}

function refuseUnknown(name: string): void {
  if (name === 'changes-since' || name === 'changes_since')
    throw refuseQuery(`Parameter '${name}' is gone: use updated_at=gte:<time>.`);
  if (unfilterable.has(name) || name.startsWith('os_glance_'))
    throw refuseQuery(`Images cannot be filtered by '${name}'.`);
  if (/_(min|max)$/.test(name))
    throw refuseQuery(`Parameter '${name}' is unknown: bounds exist for size only.`);
}

/** The parameters by name; only tag, sort_key and sort_dir may come more than once. */
function group(query: URLSearchParams): Map<string, string[]> {
  const grouped = new Map<string, string[]>();
  for (const [name, value] of query) {
    if (name.includes('\0') || value.includes('\0')) throw refuseQuery('A parameter has a NUL character.');
    const before = grouped.get(name);
    if (before === undefined) grouped.set(name, [value]);
    else if (repeatable.has(name)) before.push(value);
    else before[0] = value;
  }
  return grouped;
}

type Building = { -readonly [K in 'equal' | 'times' | 'properties']: ListFilter[K][number][] };

function readOther(name: string, text: string, into: Building): void {
  if (lists.has(name)) into.equal.push({ column: name, values: readValues(name, text) });
  else if (texts.has(name)) into.equal.push({ column: name, values: [text] });
  else if (integers.has(name)) into.equal.push({ column: name, values: readNumbers(name, text) });
  else if (name === 'protected') into.equal.push({ column: name, values: [readFlag(name, text)] });
  else if (name === 'created_at' || name === 'updated_at') into.times.push(readTimeBound(name, text));
  else {
    refuseUnknown(name);
    into.properties.push({ name, value: text });
  }
}

function readMemberStatus(text: string | undefined): ListFilter['memberStatus'] {
  const known = ['accepted', 'pending', 'rejected', 'all'];
  if (text !== undefined && !known.includes(text))
    throw refuseQuery(`Parameter 'member_status' is none of ${known.join(', ')}.`);
  return (text ?? 'accepted') as ListFilter['memberStatus'];
}

/** Fails with invalid_query. */
export function readListQuery(query: URLSearchParams, standard: number, most: number): ListFilter {
  const grouped = group(query);
  const take = (name: string): string[] => {
    const values = grouped.get(name) ?? [];
    grouped.delete(name);
    return values;
  };
  const [limit] = take('limit');
  const [marker = null] = take('marker');
  const [visibility] = take('visibility');
  const [hidden = 'false'] = take('os_hidden');
  const [sizeMin] = take('size_min');
  const [sizeMax] = take('size_max');
  const [memberStatus] = take('member_status');
  const sort = readSort(take('sort')[0], take('sort_key'), take('sort_dir'));
  const tags = take('tag');
  const others: Building = { equal: [], times: [], properties: [] };
  for (const [name, [text]] of grouped) readOther(name, text!, others);
  return {
    limit: readLimit(limit, standard, most),
    marker,
    sort,
    visibility: readVisibility(visibility),
    memberStatus: readMemberStatus(memberStatus),
    hidden: readFlag('os_hidden', hidden.toLowerCase()),
    sizeMin: sizeMin === undefined ? null : readInteger('size_min', sizeMin),
    sizeMax: sizeMax === undefined ? null : readInteger('size_max', sizeMax),
    tags,
    ...others,
  };
}
