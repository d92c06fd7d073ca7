/** PUT /v2/cache/{id}: has an image put into the cache of this node; `Prefetch` does it. */
import { Failure } from '../../base/failure.ts';
import type { Caller } from '../../identity/caller.ts';
import { cacheable } from '../download.ts';
import { findVisible } from '../image-records.ts';
import type { ImageParts } from '../parts.ts';
import { nodeCache } from './node-cache.ts';
import type { CacheRule } from './rules.ts';

/** Resolves once it is queued, which nothing but its end or its removal undoes. An image that is there stays there. */
export async function cacheImage(
  parts: Pick<ImageParts, 'database' | 'policy' | 'cache'>,
  caller: Caller,
  { id, rule }: { readonly id: string; readonly rule: CacheRule<'cache_image'> },
): Promise<void> {
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, id);
  parts.policy.require(rule, caller, target);
  const cache = nodeCache(parts);
  if (image.status !== 'active')
    throw new Failure('not_cacheable', `Image ${image.id} is ${image.status}: only active images are kept.`);
  const facts = cacheable(image);
  if (facts === null)
    throw new Failure('not_cacheable', `Image ${image.id} has no data, or none with a digest, to keep.`);
  if (!cache.has(facts)) await cache.queue.add(image.id);
}
