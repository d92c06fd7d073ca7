/** What a list asks of an image in SQL, and the order of its pages. */
import { type RawBuilder, sql } from 'kysely';
import { uuidPattern } from '../base/uuid.ts';
import type { Image } from './image.ts';
import type { ListFilter } from './list-query.ts';
import type { Viewer } from './list-reasons.ts';
import type { SortKey } from './list-sort.ts';

export type Condition = RawBuilder<unknown>;

export const and = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` AND `)})`;
export const or = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` OR `)})`;

/** Nulls are lowest, whatever the direction. */
export function orderBy(sort: readonly SortKey[]): Condition {
  const keys = sort.map(({ column, direction }) => {
    if (!isNullable(column)) return `${column} ${direction}`;
    return direction === 'asc' ? `${column} ASC NULLS FIRST` : `${column} DESC NULLS LAST`;
  });
  return sql.raw(keys.join(', '));
}

function isNullable(column: string): boolean {
  return column === 'name' || column === 'size' || column === 'disk_format' || column === 'container_format';
}

function equalTo(column: SortKey['column'], value: unknown): Condition {
  return value === null ? sql`${sql.ref(column)} IS NULL` : sql`${sql.ref(column)} = ${value}`;
}

/** Strictly after `value` in the key's own direction. */
function beyond({ column, direction }: SortKey, value: unknown): Condition {
  const name = sql.ref(column);
  if (direction === 'asc') return value === null ? sql`${name} IS NOT NULL` : sql`${name} > ${value}`;
  if (value === null) return sql`false`;
  return isNullable(column) ? sql`(${name} < ${value} OR ${name} IS NULL)` : sql`${name} < ${value}`;
}

/** At or after `value` in the key's direction: a single range that an index can start from. */
function fromOn({ column, direction }: SortKey, value: unknown): Condition {
  const name = sql.ref(column);
  if (direction === 'asc') return value === null ? sql`true` : sql`${name} >= ${value}`;
  if (value === null) return sql`${name} IS NULL`;
  return isNullable(column) ? sql`(${name} <= ${value} OR ${name} IS NULL)` : sql`${name} <= ${value}`;
}

/** Rows after `marker` in the order of `sort`. */
export function afterMarker(sort: readonly SortKey[], marker: Image): Condition {
  const values = sort.map(({ column }) => marker[column]);
  const [{ direction: way }] = sort as [SortKey];
  if (sort.every(({ column, direction }) => direction === way && !isNullable(column))) {
    const names = sql.join(sort.map(({ column }) => sql.ref(column)));
    const bounds = sql.join(values.map((value) => sql`${value}`));
    return way === 'desc' ? sql`(${names}) < (${bounds})` : sql`(${names}) > (${bounds})`;
  }
  const steps = sort.map((key, index) =>
    and([
      ...sort.slice(0, index).map(({ column }, at) => equalTo(column, values[at])),
      beyond(key, values[index]),
    ]),
  );
  return and([fromOn(sort[0]!, values[0]), or(steps)]);
}

/** What the filter asks of an image itself, tags and properties apart. */
export function conditionsOf(filter: ListFilter, viewer: Viewer): Condition[] {
  const conditions: Condition[] = [sql.raw(filter.hidden ? 'os_hidden' : 'NOT os_hidden')];
  conditions.push(sql`status <> 'killed'`);
  if (!asksForDeleted(filter, viewer)) conditions.push(sql`status <> 'pending_delete'`);
  for (const { column, values } of filter.equal) {
    const usable = column === 'id' ? values.filter((value) => uuidPattern.test(String(value))) : values;
    if (usable.length === 1) conditions.push(sql`${sql.ref(column)} = ${usable[0]}`);
    else conditions.push(sql`${sql.ref(column)} = ANY (${usable})`);
  }
  for (const { column, from, below, outside } of filter.times) {
    const inside: Condition[] = [];
    if (from !== null) inside.push(sql`${sql.ref(column)} >= ${from}`);
    if (below !== null) inside.push(sql`${sql.ref(column)} < ${below}`);
    conditions.push(outside ? sql`NOT ${and(inside)}` : and(inside));
  }
  if (filter.sizeMin !== null) conditions.push(sql`size >= ${filter.sizeMin}`);
  if (filter.sizeMax !== null) conditions.push(sql`size <= ${filter.sizeMax}`);
  return conditions;
}

/** Administrators find images whose deletion is delayed by their status, and in no other way. */
function asksForDeleted({ equal }: ListFilter, { isAdmin }: Viewer): boolean {
  return (
    isAdmin && equal.some(({ column, values }) => column === 'status' && values.includes('pending_delete'))
  );
}

/** Glance: community images of other projects are listed on request only, for administrators too. */
export function exceptCommunity(projectId: string | null): Condition {
  const others = sql`visibility <> 'community'`;
  return projectId === null ? others : or([others, sql`owner = ${projectId}`]);
}
