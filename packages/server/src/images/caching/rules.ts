/** The rules of policy that the cache is governed by. */

/** Glance: the older routes of the cache all ask the one older rule. */
export type CacheRule<Newer extends string> = Newer | 'manage_image_cache';

/** What to remove from. */
export type CachePart = 'cache' | 'queue';
