/** POST /v2/cache/prune: removes from the cache of this node what is more than it may have. */
import type { Caller } from '../../identity/caller.ts';
import type { ImageParts } from '../parts.ts';
import { nodeCache } from './node-cache.ts';

export async function pruneCache(
  parts: Pick<ImageParts, 'policy' | 'cache'>,
  caller: Caller,
): Promise<{ readonly files: number; readonly bytes: number }> {
  parts.policy.require('cache_prune', caller, {});
  return await nodeCache(parts).prune();
}
