/** GET /v2/metadefs/namespaces/{namespace}: with all it defines. */
import type { Caller } from '../identity/caller.ts';
import { type FullNamespace, withDefinitions } from './full-namespace.ts';
import { rules } from './rules.ts';
import { findNamespace, type MetadefParts, requireIn } from './visible-namespace.ts';

export async function showNamespace(
  { database, policy }: MetadefParts,
  caller: Caller,
  name: string,
): Promise<FullNamespace> {
  const namespace = await findNamespace(database.db, policy, caller, name);
  requireIn(policy, 'get_metadef_namespace', caller, namespace);
  for (const { list } of Object.values(rules)) requireIn(policy, list, caller, namespace);
  const [full] = await withDefinitions(database.db, [namespace]);
  return full!;
}
