/** Definition rows: what namespaces hold, one row a definition. */
import { sql } from 'kysely';
import { currentTime } from '../database/clock.ts';
import { isUniqueViolation } from '../database/errors.ts';
import type { Queries } from '../database/queries.ts';
import type { Definition, Kind, NewDefinition } from './definition.ts';
import type { Namespace } from './namespace-records.ts';
import type { PageQuery } from './page-query.ts';
import { definitionExists } from './refusals.ts';

const columns = ['kind', 'name', 'content', 'created_at', 'updated_at'] as const;

export const definitionSortKeys = ['name', 'created_at', 'updated_at'] as const;
export type DefinitionPage = PageQuery<(typeof definitionSortKeys)[number]>;

/** In order. Fails with definition_exists; the transaction is of no more use then. */
export async function insertDefinitions<K extends Kind>(
  queries: Queries,
  namespace: Namespace,
  definitions: readonly NewDefinition<K>[],
): Promise<Definition<K>[]> {
  if (definitions.length === 0) return [];
  const now = currentTime();
  const rows = definitions.map(({ kind, name, content }) => ({
    namespace_id: namespace.id,
    kind,
    name,
    content: JSON.stringify(content),
    created_at: now,
    updated_at: now,
  }));
  const done = await queries
    .insertInto('metadef_definitions')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .returning(['kind', 'name'])
    .execute();
  const wanted = new Set(done.map(({ kind, name }) => `${kind} ${name}`));
  const missing = definitions.find(({ kind, name }) => !wanted.delete(`${kind} ${name}`));
  if (missing !== undefined) throw definitionExists(namespace.namespace, missing.kind, missing.name);
  return definitions.map((definition) => ({ ...definition, created_at: now, updated_at: now }));
}

/** In the order they were made. */
export async function definitionsOf<K extends Kind = Kind>(
  queries: Queries,
  namespaceIds: readonly number[],
  kind?: K,
): Promise<(Definition<K> & { readonly namespace_id: number })[]> {
  if (namespaceIds.length === 0) return [];
  let query = queries
    .selectFrom('metadef_definitions')
    .select([...columns, 'namespace_id'])
    .where('namespace_id', 'in', namespaceIds);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  return await query.orderBy('id').$castTo<Definition<K> & { readonly namespace_id: number }>().execute();
}

export async function selectDefinition<K extends Kind>(
  queries: Queries,
  namespace: Namespace,
  kind: K,
  name: string,
): Promise<(Definition<K> & { readonly id: number }) | undefined> {
  return await queries
    .selectFrom('metadef_definitions')
    .select([...columns, 'id'])
    .where('namespace_id', '=', namespace.id)
    .where('kind', '=', kind)
    .where('name', '=', name)
    .$castTo<Definition<K> & { readonly id: number }>()
    .executeTakeFirst();
}

/** At most `page.limit` definitions after `after`, in order. */
export async function selectDefinitions<K extends Kind>(
  queries: Queries,
  namespace: Namespace,
  kind: K,
  page: Omit<DefinitionPage, 'marker'>,
  after: (Definition<K> & { readonly id: number }) | null,
): Promise<Definition<K>[]> {
  const direction = page.sortDirection;
  const key = sql.ref(page.sortKey);
  let query = queries
    .selectFrom('metadef_definitions')
    .select(columns)
    .where('namespace_id', '=', namespace.id)
    .where('kind', '=', kind);
  if (after !== null) {
    const beyond = sql.raw(direction === 'asc' ? '>' : '<');
    query = query.where(sql<boolean>`(${key}, id) ${beyond} (${after[page.sortKey]}, ${after.id})`);
  }
  return await query
    .orderBy(key, direction)
    .orderBy('id', direction)
    .limit(page.limit)
    .$castTo<Definition<K>>()
    .execute();
}

/** What it is afterwards; undefined when there is none. Fails with definition_exists. */
export async function updateDefinition<K extends Kind>(
  queries: Queries,
  namespace: Namespace,
  name: string,
  after: NewDefinition<K>,
): Promise<Definition<K> | undefined> {
  try {
    return await queries
      .updateTable('metadef_definitions')
      .set({ name: after.name, content: JSON.stringify(after.content), updated_at: currentTime() })
      .where('namespace_id', '=', namespace.id)
      .where('kind', '=', after.kind)
      .where('name', '=', name)
      .returning(columns)
      .$castTo<Definition<K>>()
      .executeTakeFirst();
  } catch (error) {
    throw isUniqueViolation(error) ? definitionExists(namespace.namespace, after.kind, after.name) : error;
  }
}

/** What it was; undefined when there is none. */
export async function deleteDefinition(
  queries: Queries,
  namespace: Namespace,
  kind: Kind,
  name: string,
): Promise<Definition | undefined> {
  return await queries
    .deleteFrom('metadef_definitions')
    .where('namespace_id', '=', namespace.id)
    .where('kind', '=', kind)
    .where('name', '=', name)
    .returning(columns)
    .$castTo<Definition>()
    .executeTakeFirst();
}

export async function deleteDefinitions(queries: Queries, namespace: Namespace, kind?: Kind): Promise<void> {
  let query = queries.deleteFrom('metadef_definitions').where('namespace_id', '=', namespace.id);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  await query.execute();
}

/** How much a namespace holds. */
export async function measure(
  queries: Queries,
  namespace: Namespace,
): Promise<{ readonly count: number; readonly resourceTypes: number; readonly bytes: number }> {
  const row = await queries
    .selectFrom('metadef_definitions')
    .select([
      sql<number>`count(*)`.as('count'),
      sql<number>`count(*) FILTER (WHERE kind = 'resource_type')`.as('resource_types'),
      sql<number>`coalesce(sum(octet_length(name) + octet_length(content::text)), 0)`.as('bytes'),
    ])
    .where('namespace_id', '=', namespace.id)
    .executeTakeFirstOrThrow();
  return {
    count: Number(row.count),
    resourceTypes: Number(row.resource_types),
    bytes: Number(row.bytes),
  };
}
