/** Writes definitions into a namespace, within the limits. */
import type { Queries } from '../database/queries.ts';
import type { Definition, Kind, NewDefinition } from './definition.ts';
import { insertDefinitions } from './definition-records.ts';
import { admitResourceTypes, requireRoomInNamespace } from './limits.ts';
import type { Namespace } from './namespace-records.ts';

/** In order. Fails with definition_exists or quota_metadefs; the transaction is of no more use then. */
export async function define<K extends Kind>(
  queries: Queries,
  namespace: Namespace,
  given: readonly NewDefinition<K>[],
): Promise<Definition<K>[]> {
  const definitions = await insertDefinitions(queries, namespace, given);
  const resourceTypes = definitions.filter(({ kind }) => kind === 'resource_type');
  await admitResourceTypes(
    queries,
    resourceTypes.map(({ name }) => name),
  );
  await requireRoomInNamespace(queries, namespace);
  return definitions;
}
