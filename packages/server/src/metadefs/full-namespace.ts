/** A namespace with what it defines. */
import type { Queries } from '../database/queries.ts';
import type { Definition, Kind } from './definition.ts';
import { definitionsOf } from './definition-records.ts';
import type { Namespace } from './namespace-records.ts';

export interface FullNamespace {
  readonly namespace: Namespace;
  readonly definitions: readonly Definition[];
}

/** In the same order, with their definitions, those of `kind` only when it is given. */
export async function withDefinitions(
  queries: Queries,
  namespaces: readonly Namespace[],
  kind?: Kind,
): Promise<FullNamespace[]> {
  const ids = namespaces.map(({ id }) => id);
  const definitions = await definitionsOf(queries, ids, kind);
  const byNamespace = Map.groupBy(definitions, ({ namespace_id }) => namespace_id);
  return namespaces.map((namespace) => ({ namespace, definitions: byNamespace.get(namespace.id) ?? [] }));
}
