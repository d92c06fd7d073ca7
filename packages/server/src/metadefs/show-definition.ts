/** GET of one property, object or tag of a namespace. */
import type { Caller } from '../identity/caller.ts';
import type { Definition } from './definition.ts';
import { selectDefinition } from './definition-records.ts';
import { definitionNotFound } from './refusals.ts';
import { type ReplaceableKind, rules } from './rules.ts';
import { findNamespace, type MetadefParts, requireIn } from './visible-namespace.ts';

/** Fails with namespace_not_found, forbidden or definition_not_found. */
export async function showDefinition<K extends ReplaceableKind>(
  { database, policy }: MetadefParts,
  caller: Caller,
  namespaceName: string,
  kind: K,
  name: string,
): Promise<Definition<K>> {
  const namespace = await findNamespace(database.db, policy, caller, namespaceName);
  requireIn(policy, rules[kind].show, caller, namespace);
  const definition = await selectDefinition(database.db, namespace, kind, name);
  if (definition === undefined) throw definitionNotFound(namespaceName, kind, name);
  return definition;
}

/** As `showDefinition`, of a property that goes by the name it has on a resource type. */
export async function showPropertyOn(
  parts: MetadefParts,
  caller: Caller,
  namespaceName: string,
  resourceType: string,
  prefixed: string,
): Promise<Definition<'property'>> {
  const { database, policy } = parts;
  const namespace = await findNamespace(database.db, policy, caller, namespaceName);
  requireIn(policy, rules.resource_type.show, caller, namespace);
  const association = await selectDefinition(database.db, namespace, 'resource_type', resourceType);
  if (association === undefined) throw definitionNotFound(namespaceName, 'resource_type', resourceType);
  const prefix = association.content.prefix ?? '';
  if (!prefixed.startsWith(prefix)) throw definitionNotFound(namespaceName, 'property', prefixed);
  return await showDefinition(parts, caller, namespaceName, 'property', prefixed.slice(prefix.length));
}
