/** PUT /v2/metadefs/namespaces/{namespace}: all attributes anew, the name included; its definitions stay. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { requireRoomForNamespace } from './limits.ts';
import { namespaceEvent } from './metadef-event.ts';
import { type Namespace, type NamespaceDraft, updateNamespace } from './namespace-records.ts';
import { namespaceExists } from './refusals.ts';
import { lockNamespace, type MetadefParts, requireHandover, requireIn } from './visible-namespace.ts';

/** Fails with namespace_not_found, forbidden, namespace_exists or quota_metadefs. */
export async function replaceNamespace(
  { database, policy }: MetadefParts,
  caller: Caller,
  name: string,
  draft: NamespaceDraft,
): Promise<Namespace> {
  const fields = { ...draft, owner: draft.owner ?? caller.projectId };
  return await database.transaction(async (queries) => {
    const before = await lockNamespace(queries, policy, caller, name);
    requireIn(policy, 'modify_metadef_namespace', caller, before);
    requireHandover(policy, caller, before.owner, fields.owner);
    if (fields.owner !== before.owner) await requireRoomForNamespace(queries, fields.owner);
    const after = await updateNamespace(queries, before.id, fields);
    if (after === undefined) throw namespaceExists(fields.namespace);
    await recordEvent(queries, namespaceEvent('update', after, before.namespace));
    return after;
  });
}
