/** The page query: one scan where an index answers the filter, else one ordered branch for each reason of visibility. */
import { sql } from 'kysely';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import type { Image } from './image.ts';
import type { ListFilter } from './list-query.ts';
import { reasonsOf, type Viewer } from './list-reasons.ts';
import {
  afterMarker,
  and,
  type Condition,
  conditionsOf,
  exceptCommunity,
  or,
  orderBy,
} from './matching-records.ts';
import { branchLimit, type PageQuery, type VersionsQuery } from './page-records.ts';
import type { RowVersion } from './remembered-images.ts';
import { type RememberingParts, readVersions, versionColumns } from './remembered-records.ts';
import { propertyTerm, tagTerm } from './search-terms.ts';
import { selectTagged } from './tagged-records.ts';
import { because, visibleWithTerms } from './visible-records.ts';

/** Whether few images are left by a condition that has an index of its own, whoever asks. */
function isSelective({ equal, times }: ListFilter): boolean {
  const exact = equal.some(({ column }) => column === 'name' || column === 'id');
  return exact || times.some(({ from, outside }) => from !== null && !outside);
}

function scan({ conditions, sort, limit }: PageQuery, visible: Condition): VersionsQuery {
  return sql`SELECT ${versionColumns} FROM images WHERE ${and([visible, ...conditions])} ORDER BY ${orderBy(sort)} LIMIT ${limit}`;
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
  const page = tag === undefined ? null : await selectTagged(queries, tag, query, marker);
  if (page !== null) return page;
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
