/** Namespace rows: find, insert, change, remove, and the pages of those a caller may see. */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { currentTime } from '../database/clock.ts';
import { isUniqueViolation } from '../database/errors.ts';
import type { Queries } from '../database/queries.ts';
import type { MetadefNamespacesTable } from '../database/tables.ts';
import type { PageQuery } from './page-query.ts';

export type Namespace = Readonly<Selectable<MetadefNamespacesTable>>;
/** What can be set. */
export type NamespaceFields = Omit<Namespace, 'id' | 'created_at' | 'updated_at'>;
/** As it comes in; `owner` null: the caller's project. */
export type NamespaceDraft = NamespaceFields;

/** Whose list it is. */
export interface Viewer {
  readonly projectId: string | null;
  readonly isAdmin: boolean;
}

/** As a filter of lists; `isVisible` says the same about one row. */
export function visibleTo({ projectId, isAdmin }: Viewer): RawBuilder<boolean> {
  return isAdmin ? sql`true` : sql`(visibility = 'public' OR owner = ${projectId})`;
}

export function isVisible(namespace: Namespace, { projectId, isAdmin }: Viewer): boolean {
  if (isAdmin || namespace.visibility === 'public') return true;
  return projectId !== null && namespace.owner === projectId;
}

export async function selectNamespace(
  queries: Queries,
  name: string,
  lock: boolean,
): Promise<Namespace | undefined> {
  const query = queries.selectFrom('metadef_namespaces').selectAll().where('namespace', '=', name);
  return await (lock ? query.forUpdate() : query).executeTakeFirst();
}

/** Undefined when the name is taken. */
export async function insertNamespace(
  queries: Queries,
  fields: NamespaceFields,
): Promise<Namespace | undefined> {
  const now = currentTime();
  return await queries
    .insertInto('metadef_namespaces')
    .values({ ...fields, created_at: now, updated_at: now })
    .onConflict((conflict) => conflict.column('namespace').doNothing())
    .returningAll()
    .executeTakeFirst();
}

/** Undefined when another namespace has the name. */
export async function updateNamespace(
  queries: Queries,
  id: number,
  fields: NamespaceFields,
): Promise<Namespace | undefined> {
  try {
    return await queries
      .updateTable('metadef_namespaces')
      .set({ ...fields, updated_at: currentTime() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  } catch (error) {
    if (isUniqueViolation(error)) return undefined;
    throw error;
  }
}

/** With all it defines. */
export async function removeNamespace(queries: Queries, id: number): Promise<void> {
  await queries.deleteFrom('metadef_namespaces').where('id', '=', id).execute();
}

/** All of them, with all they define. How many there were. */
export async function deleteNamespaces(queries: Queries): Promise<number> {
  const done = await queries.deleteFrom('metadef_namespaces').executeTakeFirst();
  return Number(done.numDeletedRows);
}

/** By name. */
export async function selectAllNamespaces(queries: Queries): Promise<Namespace[]> {
  return await queries.selectFrom('metadef_namespaces').selectAll().orderBy('namespace').execute();
}

/** Until the transaction ends, nobody else counts the namespaces of an owner. */
export async function countOwned(queries: Queries, owner: string | null): Promise<number> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('metadef_namespaces'))`.execute(queries);
  const row = await queries
    .selectFrom('metadef_namespaces')
    .select((count) => count.fn.countAll<number>().as('count'))
    .where('owner', 'is not distinct from', owner)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** null of a nullable column sorts as empty text. */
function sortValue(key: NamespaceSortKey): RawBuilder<unknown> {
  return key === 'display_name' || key === 'owner'
    ? sql`coalesce(${sql.ref(key)}, '')`
    : sql`${sql.ref(key)}`;
}

export const namespaceSortKeys = [
  'namespace',
  'display_name',
  'visibility',
  'protected',
  'owner',
  'created_at',
  'updated_at',
] as const;
export type NamespaceSortKey = (typeof namespaceSortKeys)[number];

export interface NamespaceFilter {
  readonly visibility: 'public' | 'private' | null;
  /** One of them must be associated; null: whichever. */
  readonly resourceTypes: readonly string[] | null;
}

/** At most `page.limit` namespaces after `after`, in order. */
export async function selectNamespaces(
  queries: Queries,
  viewer: Viewer,
  filter: NamespaceFilter,
  page: Pick<PageQuery<NamespaceSortKey>, 'limit' | 'sortKey' | 'sortDirection'>,
  after: Namespace | null,
): Promise<Namespace[]> {
  const direction = page.sortDirection;
  let query = queries.selectFrom('metadef_namespaces').selectAll().where(visibleTo(viewer));
  if (filter.visibility !== null) query = query.where('visibility', '=', filter.visibility);
  if (filter.resourceTypes !== null)
    query = query.where('id', 'in', (from) =>
      from
        .selectFrom('metadef_definitions')
        .select('namespace_id')
        .where('kind', '=', 'resource_type')
        .where('name', '=', sql<string>`ANY (${filter.resourceTypes})`),
    );
  if (after !== null) {
    const beyond = sql.raw(direction === 'asc' ? '>' : '<');
    const value = after[page.sortKey] ?? '';
    query = query.where(
      sql<boolean>`(${sortValue(page.sortKey)}, created_at, id) ${beyond} (${value}, ${after.created_at}, ${after.id})`,
    );
  }
  return await query
    .orderBy(sortValue(page.sortKey), direction)
    .orderBy('created_at', direction)
    .orderBy('id', direction)
    .limit(page.limit)
    .execute();
}
