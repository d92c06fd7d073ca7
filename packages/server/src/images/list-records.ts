/** The page query: one keyset-bounded branch for each reason an image is visible, united. */
import { type RawBuilder, sql } from 'kysely';
import type { Queries } from '../database/queries.ts';
import type { Image } from './image.ts';
import { imageColumns } from './image-records.ts';
import type { ListFilter } from './list-query.ts';
import type { SortKey } from './list-sort.ts';
import { propertyTerm, tagTerm } from './search-terms.ts';

type Condition = RawBuilder<unknown>;

const and = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` AND `)})`;
const or = (conditions: readonly Condition[]) => sql`(${sql.join(conditions, sql` OR `)})`;
const columns = sql.join(imageColumns.map((name) => sql.ref(name)));
const judgedOneByOne = 20;
const uuids = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Nulls are lowest, whatever the direction. */
function orderBy(sort: readonly SortKey[]): Condition {
  return sql.join(
    sort.map(({ column, direction }) => {
      const nullable = isNullable(column);
      if (direction === 'asc')
        return nullable ? sql`${sql.ref(column)} ASC NULLS FIRST` : sql`${sql.ref(column)} ASC`;
      return nullable ? sql`${sql.ref(column)} DESC NULLS LAST` : sql`${sql.ref(column)} DESC`;
    }),
  );
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

function conditionsOf(filter: ListFilter): Condition[] {
  const conditions: Condition[] = [sql`os_hidden = ${filter.hidden}`, sql`status <> 'killed'`];
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
  const terms = [
    ...filter.tags.map(tagTerm),
    ...filter.properties.map(({ name, value }) => propertyTerm(name, value)),
  ];
  if (terms.length > 0) conditions.push(sql`search_terms @> ${terms}::text[]`);
  for (const tag of filter.tags) conditions.push(sql`${tag} = ANY (tags)`);
  conditions.push(...propertyConditions(filter.properties));
  return conditions;
}

/** One by one the planner can judge them, but thousands would keep it busy for seconds. */
function propertyConditions(properties: ListFilter['properties']): Condition[] {
  if (properties.length <= judgedOneByOne)
    return properties.map(({ name, value }) => sql`properties ->> ${name} = ${value}`);
  const wanted = Object.fromEntries(properties.map(({ name, value }) => [name, value]));
  return [sql`properties @> ${JSON.stringify(wanted)}::jsonb`];
}

/** Whose list it is. */
export interface Viewer {
  readonly projectId: string | null;
  readonly isAdmin: boolean;
}

/** Images of others that are shared with `project` and that it has answered with `status`. */
function sharedWith(project: string, status: ListFilter['memberStatus']): Condition {
  const answered = status === 'all' ? sql`true` : sql`status = ${status}`;
  return sql`visibility = 'shared' AND owner IS DISTINCT FROM ${project} AND id IN
    (SELECT image_id FROM image_members WHERE member = ${project} AND ${answered})`;
}

/** The reasons for which this caller sees images, as conditions that exclude each other. */
function branchesOf({ projectId, isAdmin }: Viewer, { visibility, memberStatus }: ListFilter): Condition[] {
  if (isAdmin)
    return [visibility === null || visibility === 'all' ? sql`true` : sql`visibility = ${visibility}`];
  const own = projectId === null ? [] : [sql`owner = ${projectId}`];
  const shared = projectId === null ? [] : [sharedWith(projectId, memberStatus)];
  const ofOthers = (kind: string) => sql`visibility = ${kind} AND owner IS DISTINCT FROM ${projectId}`;
  switch (visibility) {
    case null:
      return [...own, ofOthers('public'), ...shared];
    case 'all':
      return [...own, ofOthers('public'), ofOthers('community'), ...shared];
    case 'public':
    case 'community':
      return [sql`visibility = ${visibility}`];
    case 'shared':
      return [...own.map((mine) => sql`${mine} AND visibility = 'shared'`), ...shared];
    case 'private':
      return own.map((mine) => sql`${mine} AND visibility = 'private'`);
  }
}

/** At most `filter.limit` images after `marker`, in order. */
export async function selectPage(
  queries: Queries,
  viewer: Viewer,
  filter: ListFilter,
  marker: Image | null,
): Promise<Image[]> {
  const branches = branchesOf(viewer, filter);
  if (branches.length === 0) return [];
  const conditions = conditionsOf(filter);
  if (marker !== null) conditions.push(afterMarker(filter.sort, marker));
  const order = orderBy(filter.sort);
  const selects = branches.map(
    (branch) =>
      sql`(SELECT ${columns} FROM images WHERE ${and([branch, ...conditions])} ORDER BY ${order} LIMIT ${filter.limit})`,
  );
  const query =
    selects.length === 1
      ? selects[0]!
      : sql`SELECT * FROM (${sql.join(selects, sql` UNION ALL `)}) AS visible ORDER BY ${order} LIMIT ${filter.limit}`;
  const { rows } = await sql<Image>`${query}`.execute(queries);
  return rows;
}
