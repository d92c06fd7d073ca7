/** DELETE /v2/cache: empties the cache of this node, its queue, or both. */
import { Failure } from '../../base/failure.ts';
import type { Caller } from '../../identity/caller.ts';
import type { ImageParts } from '../parts.ts';
import { nodeCache } from './node-cache.ts';
import type { CacheRule } from './rules.ts';

export interface ClearInput {
  /** `cache`, `queue`, or nothing for both; as the caller says it. */
  readonly target: string;
  readonly rule: CacheRule<'cache_delete'>;
}

/** Resolves with how many images were removed. */
export async function clearCache(
  parts: Pick<ImageParts, 'policy' | 'cache'>,
  caller: Caller,
  input: ClearInput,
): Promise<number> {
  parts.policy.require(input.rule, caller, {});
  const cache = nodeCache(parts);
  const target = input.target.toLowerCase();
  if (!['', 'cache', 'queue'].includes(target))
    throw new Failure('bad_request', 'The header x-image-cache-clear-target is cache, queue or absent.');
  let removed = 0;
  if (target !== 'cache') removed += await cache.queue.clear();
  if (target !== 'queue') removed += await cache.clear();
  return removed;
}
