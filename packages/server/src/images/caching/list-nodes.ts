/** GET /v2/cache/nodes/{id}: the nodes whose caches have an image. */
import { nodesWith } from '../../cache/cache-records.ts';
import type { Caller } from '../../identity/caller.ts';
import { findVisible } from '../image-records.ts';
import type { ImageParts } from '../parts.ts';
import { nodeCache } from './node-cache.ts';

/** URLs of those that live. */
export async function listCacheNodes(
  parts: Pick<ImageParts, 'database' | 'policy' | 'cache'>,
  caller: Caller,
  id: string,
): Promise<string[]> {
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, id);
  parts.policy.require('list_cached_nodes', caller, target);
  nodeCache(parts);
  return await nodesWith(parts.database.db, image.id);
}
