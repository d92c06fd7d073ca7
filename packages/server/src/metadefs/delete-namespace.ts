/** DELETE /v2/metadefs/namespaces/{namespace}: with all it defines. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { namespaceEvent } from './metadef-event.ts';
import { removeNamespace } from './namespace-records.ts';
import { lockNamespace, type MetadefParts, requireIn, requireUnprotected } from './visible-namespace.ts';

/** Fails with namespace_not_found, forbidden or namespace_protected. */
export async function deleteNamespace(
  { database, policy }: MetadefParts,
  caller: Caller,
  name: string,
): Promise<void> {
  await database.transaction(async (queries) => {
    const namespace = await lockNamespace(queries, policy, caller, name);
    requireIn(policy, 'delete_metadef_namespace', caller, namespace);
    requireUnprotected(namespace);
    await removeNamespace(queries, namespace.id);
    await recordEvent(queries, namespaceEvent('delete', namespace));
  });
}
