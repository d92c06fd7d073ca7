/** /v2/cache and the older /v2/cached_images and /v2/queued_images: the cache of this node (API section 9). */
import type { CachedImageRecord } from '@tintype/contract';
import type { FastifyRequest } from 'fastify';
import { Failure } from '../../base/failure.ts';
import { cacheImage } from '../../images/caching/cache-image.ts';
import { cleanCache } from '../../images/caching/clean-cache.ts';
import { clearCache } from '../../images/caching/clear-cache.ts';
import { type CacheContents, listCache } from '../../images/caching/list-cache.ts';
import { listCacheNodes } from '../../images/caching/list-nodes.ts';
import { pruneCache } from '../../images/caching/prune-cache.ts';
import type { CachePart } from '../../images/caching/rules.ts';
import { uncacheImage } from '../../images/caching/uncache-image.ts';
import type { ImageParts } from '../../images/parts.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { textHeader } from '../upload-headers.ts';
import { imageIdOf } from './image-id.ts';

function renderCached({ cached }: CacheContents): CachedImageRecord[] {
  return cached.map(({ image_id, size, hits, cached_at, read_at }) => ({
    image_id,
    size,
    hits,
    last_modified: cached_at.getTime() / 1000,
    last_accessed: read_at.getTime() / 1000,
  }));
}

export function cacheRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async listCache(request, reply) {
      const contents = await listCache(parts, request.caller, 'cache_list');
      return reply.send({ cached_images: renderCached(contents), queued_images: contents.queued });
    },
    async clearCache(request, reply) {
      const target = textHeader(request.headers['x-image-cache-clear-target']) ?? '';
      await clearCache(parts, request.caller, { target, rule: 'cache_delete' });
      return reply.code(204).send();
    },
    async cacheImage(request, reply) {
      await cacheImage(parts, request.caller, { id: imageIdOf(request), rule: 'cache_image' });
      return reply.code(202).send();
    },
    async uncacheImage(request, reply) {
      const id = imageIdOf(request);
      const wasThere = await uncacheImage(parts, request.caller, {
        id,
        from: ['cache', 'queue'],
        rule: 'cache_delete',
      });
      if (!wasThere)
        throw new Failure('not_cached', `Image ${id.slice(0, 255)} is neither in the cache nor queued.`);
      return reply.code(204).send();
    },
    async listCacheNodes(request, reply) {
      return reply.send(await listCacheNodes(parts, request.caller, imageIdOf(request)));
    },
    async cleanCache(request, reply) {
      await cleanCache(parts, request.caller);
      return reply.send({});
    },
    async pruneCache(request, reply) {
      const { files, bytes } = await pruneCache(parts, request.caller);
      return reply.send({ total_files_pruned: files, total_bytes_pruned: bytes });
    },
    ...olderRoutes(parts),
  };
}

/** Glance: every success is 200, also the removal of what is not there. */
function olderRoutes(parts: ImageParts): Handlers {
  const rule = 'manage_image_cache';
  const list = ({ caller }: FastifyRequest) => listCache(parts, caller, rule);
  const clear = async ({ caller }: FastifyRequest, target: CachePart) => ({
    num_deleted: await clearCache(parts, caller, { target, rule }),
  });
  const remove = async (request: FastifyRequest, from: CachePart) => {
    await uncacheImage(parts, request.caller, { id: imageIdOf(request), from: [from], rule });
    return {};
  };
  return {
    listCachedImages: async (request, reply) =>
      reply.send({ cached_images: renderCached(await list(request)) }),
    listQueuedImages: async (request, reply) => reply.send({ queued_images: (await list(request)).queued }),
    deleteCachedImages: async (request, reply) => reply.send(await clear(request, 'cache')),
    deleteQueuedImages: async (request, reply) => reply.send(await clear(request, 'queue')),
    deleteCachedImage: async (request, reply) => reply.send(await remove(request, 'cache')),
    deleteQueuedImage: async (request, reply) => reply.send(await remove(request, 'queue')),
    async queueImage(request, reply) {
      await cacheImage(parts, request.caller, { id: imageIdOf(request), rule });
      return reply.send({});
    },
  };
}
