/** What is in the cache of a node, as clients read it (API section 9). */
import Type, { type Static } from 'typebox';

export const CachedImageRecord = Type.Object({
  image_id: Type.String(),
  last_modified: Type.Number({ description: 'when it was put there, in seconds since 1970' }),
  last_accessed: Type.Number({ description: 'when it was last read, likewise' }),
  size: Type.Integer({ description: 'bytes' }),
  hits: Type.Integer({ description: 'how often it was read' }),
});
export type CachedImageRecord = Static<typeof CachedImageRecord>;

export const CachedImageList = Type.Object({ cached_images: Type.Array(CachedImageRecord) });

export const QueuedImageList = Type.Object({
  queued_images: Type.Array(Type.String(), { description: 'ids of images that are to be put there' }),
});

export const CacheState = Type.Object({ ...CachedImageList.properties, ...QueuedImageList.properties });
export type CacheState = Static<typeof CacheState>;

/** What made room, to no more than the cache may have. */
export const CachePruning = Type.Object({
  total_files_pruned: Type.Integer(),
  total_bytes_pruned: Type.Integer(),
});
export type CachePruning = Static<typeof CachePruning>;

/** URLs of the nodes that have an image. */
export const CacheNodeList = Type.Array(Type.String());

export const CacheDeletion = Type.Object({ num_deleted: Type.Integer() });
