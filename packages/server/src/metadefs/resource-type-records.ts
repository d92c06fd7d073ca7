/** The resource types that namespaces were ever associated with. */
import { currentTime } from '../database/clock.ts';
import type { Queries } from '../database/queries.ts';
import { type Viewer, visibleTo } from './namespace-records.ts';

export interface ResourceType {
  readonly name: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** How many there are afterwards. */
export async function rememberResourceTypes(queries: Queries, names: readonly string[]): Promise<number> {
  const now = currentTime();
  if (names.length > 0)
    await queries
      .insertInto('metadef_resource_types')
      // In one order everywhere: two transactions never wait for each other.
      .values([...new Set(names)].sort().map((name) => ({ name, created_at: now, updated_at: now })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  const row = await queries
    .selectFrom('metadef_resource_types')
    .select((count) => count.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Those of namespaces that the viewer may see; administrators see those of none as well. */
export async function selectResourceTypes(queries: Queries, viewer: Viewer): Promise<ResourceType[]> {
  let query = queries.selectFrom('metadef_resource_types').select(['name', 'created_at', 'updated_at']);
  if (!viewer.isAdmin)
    query = query.where('name', 'in', (from) =>
      from
        .selectFrom('metadef_definitions')
        .innerJoin('metadef_namespaces', 'metadef_namespaces.id', 'metadef_definitions.namespace_id')
        .select('metadef_definitions.name')
        .where('kind', '=', 'resource_type')
        .where(visibleTo(viewer)),
    );
  return await query.orderBy('created_at').orderBy('name').execute();
}

/** All of them. How many there were. */
export async function deleteResourceTypes(queries: Queries): Promise<number> {
  const done = await queries.deleteFrom('metadef_resource_types').executeTakeFirst();
  return Number(done.numDeletedRows);
}
