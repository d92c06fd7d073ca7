/** POST of one property, object, tag or association into a namespace. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { define } from './define.ts';
import type { Definition, Kind, NewDefinition } from './definition.ts';
import { definitionEvent } from './metadef-event.ts';
import { rules } from './rules.ts';
import { lockNamespace, type MetadefParts, requireIn } from './visible-namespace.ts';

/** Fails with namespace_not_found, forbidden, definition_exists or quota_metadefs. */
export async function addDefinition<K extends Kind>(
  { database, policy }: MetadefParts,
  caller: Caller,
  namespaceName: string,
  given: NewDefinition<K>,
): Promise<Definition<K>> {
  return await database.transaction(async (queries) => {
    const namespace = await lockNamespace(queries, policy, caller, namespaceName);
    requireIn(policy, rules[given.kind].add, caller, namespace);
    const [definition] = await define(queries, namespace, [given]);
    await recordEvent(queries, definitionEvent('create', namespace, definition!));
    return definition!;
  });
}
