/** The page query: one scan where an index answers the filter, else one ordered branch for each reason of visibility. */
import { type RawBuilder, sql } from 'kysely';
import { uuidPattern } from '../base/uuid.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import type { Image } from './image.ts';
import type { ListFilter } from './list-query.ts';
import { type Reason, reasonsOf, type Viewer } from './list-reasons.ts';
import type { SortKey } from './list-sort.ts';
import type { RowVersion } from './remembered-images.ts';
import { type RememberingParts, readVersions, versionColumns } from './remembered-records.ts';
import { ownerTerm, propertyTerm, tagTerm, visibilityTerm } from './search-terms.ts';

type Condition = RawBuilder<unknown>;

const and = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` AND `)})`;
const or = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` OR `)})`;

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
function exceptCommunity(projectId: string | null): Condition {
  const others = sql`visibility <> 'community'`;
  return projectId === null ? others : or([others, sql`owner = ${projectId}`]);
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

function ownedAndSeen({ owner, visibility }: Reason): Condition[] {
  const conditions: Condition[] = [];
  if (owner !== undefined) conditions.push(sql`owner = ${owner}`);
  if (visibility !== undefined) conditions.push(sql`visibility = ${sql.lit(visibility)}`);
  return conditions;
}

const all = (conditions: readonly Condition[]) => (conditions.length === 0 ? sql`true` : and(conditions));

function because(reason: Reason): Condition {
  return all([...sharedWith(reason), ...ownedAndSeen(reason)]);
}

function hasTerms(terms: readonly string[]): Condition {
  return sql`search_terms @> ${terms}::text[]`;
}

/** An index finds it: has the terms and those that make it visible, or is shared, with whatever terms. */
function findable(terms: readonly string[], reason: Reason): Condition {
  const { owner, visibility, member } = reason;
  if (member !== undefined) return and(sharedWith(reason));
  const needed = [...terms];
  if (owner !== undefined) needed.push(ownerTerm(owner));
  if (visibility !== undefined) needed.push(visibilityTerm(visibility));
  return hasTerms(needed);
}

/**
 * Has the terms and is visible. A plan that walks the images would compare each with the terms of every reason, so what is
 * cheaper comes before: PostgreSQL asks in the order of the costs that it counts. It also makes up for what `findable`
 * leaves open of the one reason with a member. Most rows are taken to pass a `<>`: what is said twice must not count
 * twice where plans are chosen.
 */
function visibleWithTerms(terms: readonly string[], reasons: readonly Reason[]): Condition {
  const indexed = or(reasons.map((reason) => findable(terms, reason)));
  const [only, ...others] = reasons;
  if (others.length === 0 && only!.member === undefined) return indexed;
  const possible = and([or(reasons.map((reason) => all(ownedAndSeen(reason)))), hasTerms(terms)]);
  return and([sql`(CASE WHEN ${possible} THEN 1 ELSE 0 END) <> 0`, indexed]);
}

/** Whether few images are left by a condition that has an index of its own, whoever asks. */
function isSelective({ equal, times }: ListFilter): boolean {
  const exact = equal.some(({ column }) => column === 'name' || column === 'id');
  return exact || times.some(({ from, outside }) => from !== null && !outside);
}

interface PageQuery {
  readonly reasons: readonly Reason[];
  readonly conditions: readonly Condition[];
  readonly sort: readonly SortKey[];
  readonly limit: number;
}

type VersionsQuery = RawBuilder<RowVersion>;

function scan({ conditions, sort, limit }: PageQuery, visible: Condition): VersionsQuery {
  return sql`SELECT ${versionColumns} FROM images WHERE ${and([visible, ...conditions])} ORDER BY ${orderBy(sort)} LIMIT ${limit}`;
}

/** Limits inside a branch: the planner counts with them, and no caller can make up ever new statements. */
const branchLimits = [1, 10, 25, 50, 100, 200, 500, 1000];

function branchLimit(limit: number): Condition {
  return sql.lit(branchLimits.find((step) => step >= limit) ?? Number.MAX_SAFE_INTEGER);
}

/** Each branch walks an index in order and stops as soon as the page is full. */
function union({ reasons, conditions, sort, limit }: PageQuery): VersionsQuery {
  const within = branchLimit(limit);
  const mine = reasons.find(({ owner }) => owner !== undefined)?.owner;
  const order = orderBy(sort);
  const columns = new Set(['id', 'xmin', 'updated_at', ...sort.map(({ column }) => column)]);
  const needed = sql.raw([...columns].join(', '));
  const branches = reasons.map((reason) => {
    const listed = [because(reason), ...conditions];
    if (mine !== undefined && reason.owner === undefined) listed.push(sql`owner IS DISTINCT FROM ${mine}`);
    return sql`(SELECT ${needed} FROM images WHERE ${and(listed)} ORDER BY ${order} LIMIT ${within})`;
  });
  const united = sql.join(branches, sql` UNION ALL `);
  return sql`SELECT ${versionColumns} FROM (${united}) AS visible ORDER BY ${order} LIMIT ${limit}`;
}

/** Asked for again and again: no filter that has a value, and newest first. */
function isPlain({ equal, times, sizeMin, sizeMax, sort }: ListFilter): boolean {
  const isFiltered = equal.length + times.length > 0 || sizeMin !== null || sizeMax !== null;
  return (
    !isFiltered && sort[0]!.column === 'created_at' && sort.every(({ direction }) => direction === 'desc')
  );
}

const newestFirst = sql.raw('ORDER BY image_created_at DESC, image_id DESC');

/**
 * What carries the tag in the order of the page. The marker is said of the columns of that index, too: of those of images
 * the planner draws no conclusion for it.
 */
function tagged(tag: string, marker: Image | null): Condition {
  const after =
    marker === null
      ? sql`true`
      : sql`(image_created_at, image_id) < (${marker.created_at}::timestamptz, ${marker.id}::uuid)`;
  return sql`FROM image_tags WHERE tag = ${tag} AND ${after}`;
}

/** The page of all that carries the tag: the walk stops as soon as it is full. */
function taggedScan(tag: string, { conditions, limit }: PageQuery, marker: Image | null): VersionsQuery {
  const walked = sql`SELECT image_created_at, image_id ${tagged(tag, marker)}`;
  const found = sql`SELECT id, xmin, updated_at FROM images WHERE id = image_id AND ${and(conditions)}`;
  const page = sql`SELECT * FROM (${walked}) AS walked, LATERAL (${found}) AS found ${newestFirst} LIMIT ${branchLimit(limit)}`;
  return sql`SELECT ${versionColumns} FROM (${page}) AS page ${newestFirst} LIMIT ${limit}`;
}

/** Enough for a page where one in ten is seen, and for a short one where fewer are. */
function mostWalked(limit: number): number {
  return Math.max(500, 10 * limit);
}

/** Whether many images may be seen for it: community images are few, and so are those of one project or shared with it. */
function isSeenMuch({ owner, member, visibility }: Reason): boolean {
  return owner === undefined && member === undefined && visibility !== 'community';
}

/**
 * The same for those who see a part of it; null when that is so small that the walk ends before the page is full. The
 * last that is walked is always found, seen or not: it tells that there may be more.
 */
async function walkTagged(
  queries: Queries,
  tag: string,
  { reasons, conditions, limit }: PageQuery,
  marker: Image | null,
): Promise<RowVersion[] | null> {
  const within = branchLimits.find((step) => step >= limit);
  if (within === undefined) return null;
  const isLast = sql`place = ${sql.lit(mostWalked(within))}`;
  const visible = or(reasons.map(because));
  const walked = sql`SELECT image_id AS id, owner, visibility, image_created_at, row_number() OVER (${newestFirst}) AS place ${tagged(tag, marker)} ${newestFirst} LIMIT ${sql.lit(mostWalked(within))}`;
  const seen = sql`SELECT id AS image_id, image_created_at, place FROM (${walked}) AS walked WHERE ${or([isLast, visible])}`;
  const found = sql`SELECT id, xmin, updated_at FROM images WHERE id = image_id AND ${or([isLast, and([visible, ...conditions])])}`;
  const page = sql`SELECT * FROM (${seen}) AS seen, LATERAL (${found}) AS found ${newestFirst} LIMIT ${sql.lit(within)}`;
  type Row = RowVersion & { readonly last: boolean };
  const rows = await executePrepared(
    queries,
    sql<Row>`SELECT ${versionColumns}, ${isLast} AS last FROM (${page}) AS page ${newestFirst} LIMIT ${limit}`,
  );
  return rows.at(-1)?.last ? null : rows;
}

/** The tag, when the newest images with one tag are asked for, and nothing else. */
function soleTag(filter: ListFilter): string | undefined {
  const { tags, properties, sort, hidden } = filter;
  const isSole = tags.length === 1 && properties.length === 0 && !hidden && sort[1]!.column === 'id';
  return isSole && isPlain(filter) ? tags[0] : undefined;
}

async function selectVersions(
  queries: Queries,
  filter: ListFilter,
  query: PageQuery,
  marker: Image | null,
): Promise<RowVersion[]> {
  const tag = soleTag(filter);
  const isForAll = query.reasons.every((reason) => Object.keys(reason).length === 0);
  if (tag !== undefined && isForAll) return await executePrepared(queries, taggedScan(tag, query, marker));
  if (tag !== undefined && query.reasons.some(isSeenMuch)) {
    const page = await walkTagged(queries, tag, query, marker);
    if (page !== null) return page;
  }
  const terms = [
    ...filter.tags.map(tagTerm),
    ...filter.properties.map(({ name, value }) => propertyTerm(name, value)),
  ];
  const { reasons } = query;
  if (terms.length > 0) {
    return (await scan(query, visibleWithTerms(terms, reasons)).execute(queries)).rows;
  }
  if (isSelective(filter)) return (await scan(query, or(reasons.map(because))).execute(queries)).rows;
  if (isPlain(filter)) return await executePrepared(queries, union(query));
  return (await union(query).execute(queries)).rows;
}

/** At most `filter.limit` images after `marker`, in order. */
export async function selectPage(
  parts: RememberingParts,
  viewer: Viewer,
  filter: ListFilter,
  marker: Image | null,
): Promise<Image[]> {
  const reasons = reasonsOf(viewer, filter);
  if (reasons.length === 0) return [];
  const conditions = conditionsOf(filter, viewer);
  if (viewer.isAdmin && filter.visibility === null) conditions.push(exceptCommunity(viewer.projectId));
  if (marker !== null) conditions.push(afterMarker(filter.sort, marker));
  const query = { reasons, conditions, sort: filter.sort, limit: filter.limit };
  for (;;) {
    const versions = await selectVersions(parts.database.db, filter, query, marker);
    const images = await readVersions(parts, versions);
    // Else one was changed between the two questions. The others are remembered, so few are asked for again.
    if (images !== null) return images;
  }
}
