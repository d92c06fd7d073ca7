/** POST /v2/cache/clean: removes from the cache of this node what is not as it was left. */
import type { Caller } from '../../identity/caller.ts';
import type { ImageParts } from '../parts.ts';
import { nodeCache } from './node-cache.ts';

export async function cleanCache(parts: Pick<ImageParts, 'policy' | 'cache'>, caller: Caller): Promise<void> {
  parts.policy.require('cache_clean', caller, {});
  await nodeCache(parts).clean();
}
