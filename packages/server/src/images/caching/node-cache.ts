/** The cache of this node as the verbs of this folder find it, or fail. */
import { Failure } from '../../base/failure.ts';
import type { ImageCache } from '../../cache/cache.ts';
import type { ImageParts } from '../parts.ts';

/** Fails with cache_off. */
export function nodeCache({ cache }: Pick<ImageParts, 'cache'>): ImageCache {
  if (cache !== null) return cache;
  throw new Failure('cache_off', 'This server keeps no copies of images.');
}
