/** Sort order of a list: `sort=key:dir,…` or repeated sort_key and sort_dir (API section 3). */
import { Failure } from '../base/failure.ts';

export const sortKeys = [
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
] as const;

export interface SortKey {
  readonly column: (typeof sortKeys)[number];
  readonly direction: 'asc' | 'desc';
}

function refuse(why: string): Failure {
  return new Failure('invalid_query', why);
}

type Direction = SortKey['direction'];

function sortKey(key: string, direction: string): SortKey {
  if (!sortKeys.includes(key as SortKey['column']))
    throw refuse(`Images cannot be sorted by '${key}', only by ${sortKeys.join(', ')}.`);
  if (direction !== 'asc' && direction !== 'desc')
    throw refuse(`Sort direction '${direction}' is neither asc nor desc.`);
  return { column: key as SortKey['column'], direction };
}

function readCombined(sort: string): SortKey[] {
  return sort.split(',').map((part) => {
    const [key = '', direction = '', ...more] = part.split(':').map((word) => word.trim());
    if (more.length > 0) throw refuse(`Sort order '${part}' is not key:direction.`);
    return sortKey(key, direction === '' ? 'desc' : direction);
  });
}

function readRepeated(keys: readonly string[], directions: readonly string[]): SortKey[] {
  if (directions.length > 1 && keys.length !== directions.length)
    throw refuse('There must be as many sort_dir as sort_key parameters.');
  const wanted = keys.length === 0 ? ['created_at'] : keys;
  return wanted.map((key, index) =>
    sortKey(key.trim(), (directions[index] ?? directions[0] ?? 'desc').trim()),
  );
}

/** Glance: ties go the way of the keys when those were given one direction, else down. */
function tieDirection(order: readonly SortKey[], directions: number): Direction {
  return directions === 1 ? order[0]!.direction : 'desc';
}

/** Always ends in an order without ties: created_at, then id. Fails with invalid_query. */
export function readSort(
  sort: string | undefined,
  keys: readonly string[],
  directions: readonly string[],
): SortKey[] {
  if (sort !== undefined && (keys.length > 0 || directions.length > 0))
    throw refuse('Use either sort or sort_key and sort_dir, not both.');
  const order = sort === undefined ? readRepeated(keys, directions) : readCombined(sort);
  const direction = tieDirection(order, sort === undefined ? directions.length : order.length);
  const seen = new Set<string>();
  const unique = order.filter(({ column }) => !seen.has(column) && seen.add(column));
  for (const column of ['created_at', 'id'] as const)
    if (!seen.has(column)) unique.push({ column, direction });
  return unique;
}
