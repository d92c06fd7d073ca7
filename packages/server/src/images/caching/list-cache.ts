/** GET /v2/cache: what is in the cache of this node, and what is to be put there. */
import { rowOf } from '../../cache/book.ts';
import type { CachedImage } from '../../cache/cache-records.ts';
import type { Caller } from '../../identity/caller.ts';
import type { ImageParts } from '../parts.ts';
import { nodeCache } from './node-cache.ts';
import type { CacheRule } from './rules.ts';

export interface CacheContents {
  readonly cached: readonly CachedImage[];
  /** Ids. */
  readonly queued: readonly string[];
}

export async function listCache(
  parts: Pick<ImageParts, 'policy' | 'cache'>,
  caller: Caller,
  rule: CacheRule<'cache_list'>,
): Promise<CacheContents> {
  parts.policy.require(rule, caller, {});
  const cache = nodeCache(parts);
  return { queued: await cache.queue.list(), cached: cache.entries.map(rowOf) };
}
