/** POST /v2/metadefs/namespaces: a namespace, with all its definitions or empty. */
import { recordEvents } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { define } from './define.ts';
import type { NewDefinition } from './definition.ts';
import type { FullNamespace } from './full-namespace.ts';
import { requireRoomForNamespace } from './limits.ts';
import { definitionEvent, namespaceEvent } from './metadef-event.ts';
import { insertNamespace, type NamespaceDraft } from './namespace-records.ts';
import { namespaceExists } from './refusals.ts';
import { rules } from './rules.ts';
import { type MetadefParts, requireHandover } from './visible-namespace.ts';

/** Fails with forbidden, namespace_exists, definition_exists or quota_metadefs. */
export async function createNamespace(
  { database, policy }: MetadefParts,
  caller: Caller,
  draft: NamespaceDraft,
  nested: readonly NewDefinition[],
): Promise<FullNamespace> {
  const fields = { ...draft, owner: draft.owner ?? caller.projectId };
  const target = { ...fields, project_id: caller.projectId };
  policy.require('add_metadef_namespace', caller, target);
  for (const kind of new Set(nested.map((one) => one.kind))) policy.require(rules[kind].add, caller, target);
  requireHandover(policy, caller, caller.projectId, fields.owner);

  return await database.transaction(async (queries) => {
    await requireRoomForNamespace(queries, fields.owner);
    const namespace = await insertNamespace(queries, fields);
    if (namespace === undefined) throw namespaceExists(fields.namespace);
    const definitions = await define(queries, namespace, nested);
    const nestedEvents = definitions.map((one) => definitionEvent('create', namespace, one));
    await recordEvents(queries, [namespaceEvent('create', namespace), ...nestedEvents]);
    return { namespace, definitions };
  });
}
