/** PUT of one property, object or tag of a namespace: all of it anew, the name included. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import type { Definition, NewDefinition } from './definition.ts';
import { updateDefinition } from './definition-records.ts';
import { requireRoomInNamespace } from './limits.ts';
import { definitionEvent } from './metadef-event.ts';
import { definitionNotFound } from './refusals.ts';
import { type ReplaceableKind, rules } from './rules.ts';
import { lockNamespace, type MetadefParts, requireIn } from './visible-namespace.ts';

/** Fails with namespace_not_found, forbidden, definition_not_found, definition_exists or quota_metadefs. */
export async function replaceDefinition<K extends ReplaceableKind>(
  { database, policy }: MetadefParts,
  caller: Caller,
  namespaceName: string,
  name: string,
  after: NewDefinition<K>,
): Promise<Definition<K>> {
  return await database.transaction(async (queries) => {
    const namespace = await lockNamespace(queries, policy, caller, namespaceName);
    requireIn(policy, rules[after.kind].replace, caller, namespace);
    const definition = await updateDefinition(queries, namespace, name, after);
    if (definition === undefined) throw definitionNotFound(namespaceName, after.kind, name);
    await requireRoomInNamespace(queries, namespace);
    await recordEvent(queries, definitionEvent('update', namespace, definition, name));
    return definition;
  });
}
