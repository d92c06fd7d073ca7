/** The page query: one scan where an index answers the filter, else one ordered branch for each reason of visibility. */
import type { Visibility } from '@tintype/contract';
import { type RawBuilder, sql } from 'kysely';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import type { Image } from './image.ts';
import { imageColumns } from './image-records.ts';
import type { ListFilter } from './list-query.ts';
import type { SortKey } from './list-sort.ts';
import { ownerTerm, propertyTerm, tagTerm, visibilityTerm } from './search-terms.ts';

type Condition = RawBuilder<unknown>;

/** Whose list it is. */
export interface Viewer {
  readonly projectId: string | null;
  readonly isAdmin: boolean;
}

/**
 * Images are visible because they have this owner, this visibility, both, or because they are shared with this
 * member, which has answered so; for an empty reason: all are.
 */
interface Reason {
  readonly owner?: string;
  readonly visibility?: Visibility;
  readonly member?: string;
  readonly answer?: ListFilter['memberStatus'];
}

const and = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` AND `)})`;
const or = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` OR `)})`;
const uuids = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Nulls are lowest, whatever the direction. */
function orderBy(sort: readonly SortKey[]): Condition {
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
function afterMarker(sort: readonly SortKey[], marker: Image): Condition {
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
function conditionsOf(filter: ListFilter, viewer: Viewer): Condition[] {
  const conditions: Condition[] = [sql.raw(filter.hidden ? 'os_hidden' : 'NOT os_hidden')];
  conditions.push(sql`status <> 'killed'`);
  if (!asksForDeleted(filter, viewer)) conditions.push(sql`status <> 'pending_delete'`);
  for (const { column, values } of filter.equal) {
    const usable = column === 'id' ? values.filter((value) => uuids.test(String(value))) : values;
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
function exceptCommunity(projectId: string | null): Condition {
  const others = sql`visibility <> 'community'`;
  return projectId === null ? others : or([others, sql`owner = ${projectId}`]);
}

/** The reasons for which this caller sees images, of those with the visibility asked for. */
function reasonsOf({ projectId, isAdmin }: Viewer, { visibility, memberStatus }: ListFilter): Reason[] {
  if (isAdmin) return [visibility === null || visibility === 'all' ? {} : { visibility }];
  const own = projectId === null ? [] : [{ owner: projectId }];
  const shared =
    projectId === null ? [] : [{ visibility: 'shared', member: projectId, answer: memberStatus } as const];
  switch (visibility) {
    case null:
      return [...own, { visibility: 'public' }, ...shared];
    case 'all':
      return [...own, { visibility: 'public' }, { visibility: 'community' }, ...shared];
    case 'public':
    case 'community':
      return [{ visibility }];
    case 'shared':
      return [...own.map((mine) => ({ ...mine, visibility })), ...shared];
    case 'private':
      return own.map((mine) => ({ ...mine, visibility }));
  }
}

/**
 * Whether the image is shared with the member of the reason; nothing for a reason without one. Few images are
 * shared with anybody: as an array they are looked up in the index of ids, among other reasons too.
 */
function sharedWith({ member, answer }: Reason): Condition[] {
  if (member === undefined) return [];
  const answered = answer === 'all' ? sql`true` : sql`status = ${sql.lit(answer)}`;
  return [sql`id = ANY (ARRAY(SELECT image_id FROM image_members WHERE member = ${member} AND ${answered}))`];
}

function because(reason: Reason): Condition {
  const { owner, visibility } = reason;
  const conditions = sharedWith(reason);
  if (owner !== undefined) conditions.push(sql`owner = ${owner}`);
  if (visibility !== undefined) conditions.push(sql`visibility = ${sql.lit(visibility)}`);
  return conditions.length === 0 ? sql`true` : and(conditions);
}

/** Has every term: those asked for, and those that make it visible. */
function hasTerms(terms: readonly string[], reason: Reason): Condition {
  const { owner, visibility } = reason;
  const all = [...terms];
  if (owner !== undefined) all.push(ownerTerm(owner));
  if (visibility !== undefined) all.push(visibilityTerm(visibility));
  return and([sql`search_terms @> ${all}::text[]`, ...sharedWith(reason)]);
}

/** Whether few images are left by a condition that has an index of its own, whoever asks. */
function isSelective({ equal, times }: ListFilter): boolean {
  const exact = equal.some(({ column }) => column === 'name' || column === 'id');
  return exact || times.some(({ from, outside }) => from !== null && !outside);
}

interface PageQuery {
  readonly reasons: readonly Reason[];
  readonly conditions: readonly Condition[];
  readonly order: Condition;
  readonly limit: number;
}

function scan({ conditions, order, limit }: PageQuery, visible: Condition): RawBuilder<Image> {
  return sql`SELECT ${imageColumns} FROM images WHERE ${and([visible, ...conditions])} ORDER BY ${order} LIMIT ${limit}`;
}

/** Limits inside a branch: the planner counts with them, and no caller can make up ever new statements. */
const branchLimits = [1, 10, 25, 50, 100, 200, 500, 1000];

/** Each branch walks an index in order and stops as soon as the page is full. */
function union({ reasons, conditions, order, limit }: PageQuery): RawBuilder<Image> {
  const within = sql.lit(branchLimits.find((step) => step >= limit) ?? Number.MAX_SAFE_INTEGER);
  const mine = reasons.find(({ owner }) => owner !== undefined)?.owner;
  const branches = reasons.map((reason) => {
    const all = [because(reason), ...conditions];
    if (mine !== undefined && reason.owner === undefined) all.push(sql`owner IS DISTINCT FROM ${mine}`);
    return sql`(SELECT ${imageColumns} FROM images WHERE ${and(all)} ORDER BY ${order} LIMIT ${within})`;
  });
  const united = sql.join(branches, sql` UNION ALL `);
  return sql`SELECT * FROM (${united}) AS visible ORDER BY ${order} LIMIT ${limit}`;
}

/** Asked for again and again: no filter that has a value, and newest first. */
function isPlain({ equal, times, sizeMin, sizeMax, sort }: ListFilter): boolean {
  const isFiltered = equal.length + times.length > 0 || sizeMin !== null || sizeMax !== null;
  return (
    !isFiltered && sort[0]!.column === 'created_at' && sort.every(({ direction }) => direction === 'desc')
  );
}

/** At most `filter.limit` images after `marker`, in order. */
export async function selectPage(
  queries: Queries,
  viewer: Viewer,
  filter: ListFilter,
  marker: Image | null,
): Promise<Image[]> {
  const reasons = reasonsOf(viewer, filter);
  if (reasons.length === 0) return [];
  const conditions = conditionsOf(filter, viewer);
  if (viewer.isAdmin && filter.visibility === null) conditions.push(exceptCommunity(viewer.projectId));
  if (marker !== null) conditions.push(afterMarker(filter.sort, marker));
  const query = { reasons, conditions, order: orderBy(filter.sort), limit: filter.limit };
  const terms = [
    ...filter.tags.map(tagTerm),
    ...filter.properties.map(({ name, value }) => propertyTerm(name, value)),
  ];
  if (terms.length > 0) {
    const found = scan(query, or(reasons.map((reason) => hasTerms(terms, reason))));
    return (await found.execute(queries)).rows;
  }
  if (isSelective(filter)) return (await scan(query, or(reasons.map(because))).execute(queries)).rows;
  if (isPlain(filter)) return await executePrepared(queries, union(query));
  return (await union(query).execute(queries)).rows;
}
