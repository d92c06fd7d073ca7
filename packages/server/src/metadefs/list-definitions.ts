/** GET of the properties, objects, tags or associations of a namespace. */
import type { Caller } from '../identity/caller.ts';
import type { Definition, Kind } from './definition.ts';
import {
  definitionSortKeys,
  definitionsOf,
  selectDefinition,
  selectDefinitions,
} from './definition-records.ts';
import { metadefLimits } from './limits.ts';
import type { Namespace } from './namespace-records.ts';
import { readPage } from './page-query.ts';
import { definitionNotFound } from './refusals.ts';
import { rules } from './rules.ts';
import { findNamespace, type MetadefParts, namespaceTarget, requireIn } from './visible-namespace.ts';

/** Without `limit` the list is whole. */
const pageLimits = {
  standard: metadefLimits.definitionsPerNamespace,
  most: metadefLimits.definitionsPerNamespace,
};

/** Null when the caller may list them but not see any. */
async function openList(
  { database, policy }: MetadefParts,
  caller: Caller,
  name: string,
  kind: Kind,
): Promise<Namespace | null> {
  const namespace = await findNamespace(database.db, policy, caller, name);
  requireIn(policy, rules[kind].list, caller, namespace);
  return policy.isAllowed(rules[kind].show, caller, namespaceTarget(namespace)) ? namespace : null;
}

/** All, in the order they were made. Fails with namespace_not_found or forbidden. */
export async function listDefinitions<K extends Kind>(
  parts: MetadefParts,
  caller: Caller,
  namespaceName: string,
  kind: K,
): Promise<Definition<K>[]> {
  const namespace = await openList(parts, caller, namespaceName, kind);
  if (namespace === null) return [];
  return await definitionsOf(parts.database.db, [namespace.id], kind);
}

/** One page. Fails with invalid_query, namespace_not_found, forbidden, or definition_not_found for the marker. */
export async function pageDefinitions<K extends Kind>(
  parts: MetadefParts,
  caller: Caller,
  namespaceName: string,
  kind: K,
  query: URLSearchParams,
): Promise<Definition<K>[]> {
  const { marker, ...page } = readPage(query, definitionSortKeys, pageLimits);
  const namespace = await openList(parts, caller, namespaceName, kind);
  if (namespace === null) return [];
  const { db } = parts.database;
  const after = marker === null ? null : await selectDefinition(db, namespace, kind, marker);
  if (after === undefined) throw definitionNotFound(namespace.namespace, kind, marker!);
  return await selectDefinitions(db, namespace, kind, page, after);
}
