/** DELETE of one property, object, tag or association of a namespace, or of all of a kind. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import type { Kind } from './definition.ts';
import { deleteDefinition, deleteDefinitions } from './definition-records.ts';
import { clearingEvent, definitionEvent } from './metadef-event.ts';
import { definitionNotFound } from './refusals.ts';
import { type ReplaceableKind, rules } from './rules.ts';
import { lockNamespace, type MetadefParts, requireIn, requireUnprotected } from './visible-namespace.ts';

/** Fails with namespace_not_found, forbidden, definition_not_found or namespace_protected. */
export async function removeDefinition(
  { database, policy }: MetadefParts,
  caller: Caller,
  namespaceName: string,
  kind: Kind,
  name: string,
): Promise<void> {
  await database.transaction(async (queries) => {
    const namespace = await lockNamespace(queries, policy, caller, namespaceName);
    requireIn(policy, rules[kind].remove, caller, namespace);
    requireUnprotected(namespace);
    const definition = await deleteDefinition(queries, namespace, kind, name);
    if (definition === undefined) throw definitionNotFound(namespaceName, kind, name);
    await recordEvent(queries, definitionEvent('delete', namespace, definition));
  });
}

/** Fails with namespace_not_found, forbidden or namespace_protected. */
export async function clearDefinitions(
  { database, policy }: MetadefParts,
  caller: Caller,
  namespaceName: string,
  kind: ReplaceableKind,
): Promise<void> {
  await database.transaction(async (queries) => {
    const namespace = await lockNamespace(queries, policy, caller, namespaceName);
    for (const rule of rules[kind].clear) requireIn(policy, rule, caller, namespace);
    requireUnprotected(namespace);
    await deleteDefinitions(queries, namespace, kind);
    await recordEvent(queries, clearingEvent(kind, namespace));
  });
}
