/** POST /v2/metadefs/namespaces/{namespace}/tags: tags in place of those there, or beside them. */
import { recordEvents } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { define } from './define.ts';
import type { Definition, NewDefinition } from './definition.ts';
import { deleteDefinitions } from './definition-records.ts';
import { clearingEvent, definitionEvent } from './metadef-event.ts';
import { lockNamespace, type MetadefParts, requireIn } from './visible-namespace.ts';

export interface SetTagsInput {
  readonly namespace: string;
  readonly tags: readonly NewDefinition<'tag'>[];
  /** Keep the tags that are there. */
  readonly append: boolean;
}

/** The tags given. Fails with namespace_not_found, forbidden, definition_exists or quota_metadefs. */
export async function setTags(
  { database, policy }: MetadefParts,
  caller: Caller,
  input: SetTagsInput,
): Promise<Definition<'tag'>[]> {
  return await database.transaction(async (queries) => {
    const namespace = await lockNamespace(queries, policy, caller, input.namespace);
    requireIn(policy, 'add_metadef_tags', caller, namespace);
    if (!input.append) await deleteDefinitions(queries, namespace, 'tag');
    const tags = await define(queries, namespace, input.tags);
    const cleared = input.append ? [] : [clearingEvent('tag', namespace)];
    await recordEvents(queries, [
      ...cleared,
      ...tags.map((tag) => definitionEvent('create', namespace, tag)),
    ]);
    return tags;
  });
}
