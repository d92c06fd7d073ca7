/** The newest images with one tag: the table of tags is walked in the order of the page. */
import { sql } from 'kysely';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import type { Image } from './image.ts';
import type { Reason } from './list-reasons.ts';
import { and, type Condition, or } from './matching-records.ts';
import { branchLimit, limitAtLeast, type PageQuery, type VersionsQuery } from './page-records.ts';
import type { RowVersion } from './remembered-images.ts';
import { versionColumns } from './remembered-records.ts';
import { because } from './visible-records.ts';

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
  const within = limitAtLeast(limit);
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

/** Null: what is to be asked by the terms. */
export async function selectTagged(
  queries: Queries,
  tag: string,
  query: PageQuery,
  marker: Image | null,
): Promise<RowVersion[] | null> {
  const isForAll = query.reasons.every((reason) => Object.keys(reason).length === 0);
  if (isForAll) return await executePrepared(queries, taggedScan(tag, query, marker));
  return query.reasons.some(isSeenMuch) ? await walkTagged(queries, tag, query, marker) : null;
}
