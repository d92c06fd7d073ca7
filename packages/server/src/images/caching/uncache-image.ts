/** DELETE /v2/cache/{id}: removes an image from the cache of this node, from its queue, or from both. */
import type { Caller } from '../../identity/caller.ts';
import type { Target } from '../../policy/evaluate.ts';
import { isImageId } from '../image.ts';
import { findVisible } from '../image-records.ts';
import type { ImageParts } from '../parts.ts';
import { nodeCache } from './node-cache.ts';
import type { CachePart, CacheRule } from './rules.ts';

type Parts = Pick<ImageParts, 'database' | 'policy' | 'cache'>;

export interface UncacheInput {
  readonly id: string;
  readonly from: readonly CachePart[];
  readonly rule: CacheRule<'cache_delete'>;
}

/** False when it was nowhere. */
export async function uncacheImage(parts: Parts, caller: Caller, input: UncacheInput): Promise<boolean> {
  parts.policy.require(input.rule, caller, await targetOf(parts, caller, input.id));
  const cache = nodeCache(parts);
  if (!isImageId(input.id)) return false;
  const id = input.id.toLowerCase();
  // From the queue first: what is taken from there is not fetched any more.
  const wasQueued = input.from.includes('queue') && (await cache.queue.remove(id));
  const wasCached = input.from.includes('cache') && (await cache.drop(id));
  return wasQueued || wasCached;
}

/** The image may be gone, and its copy still be there. */
async function targetOf({ database, policy }: Parts, caller: Caller, id: string): Promise<Target> {
  return await findVisible(database.db, policy, caller, id).then(
    ({ target }) => target,
    () => ({}),
  );
}
