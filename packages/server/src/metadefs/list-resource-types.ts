/** GET /v2/metadefs/resource_types: those of the namespaces that the caller may see. */
import type { Caller } from '../identity/caller.ts';
import { type ResourceType, selectResourceTypes } from './resource-type-records.ts';
import { rules } from './rules.ts';
import { type MetadefParts, viewerOf } from './visible-namespace.ts';

/** Fails with forbidden. */
export async function listResourceTypes(
  { database, policy }: MetadefParts,
  caller: Caller,
): Promise<ResourceType[]> {
  policy.require(rules.resource_type.list, caller, { project_id: caller.projectId });
  return await selectResourceTypes(database.db, viewerOf(policy, caller));
}
