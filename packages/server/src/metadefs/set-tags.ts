/** POST /v2/metadefs/namespaces/{namespace}/tags: tags in place of those there, or beside them. */
import type { Caller } from '../identity/caller.ts';
import { define } from './define.ts';
import type { Definition, NewDefinition } from './definition.ts';
import { deleteDefinitions } from './definition-records.ts';
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
    return await define(queries, namespace, input.tags);
  });
}
