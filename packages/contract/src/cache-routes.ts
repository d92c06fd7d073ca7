/** The routes of the cache of the node that answers (API section 9), a part of the route table. */
import Type from 'typebox';
import {
  CacheDeletion,
  CachedImageList,
  CacheNodeList,
  CachePruning,
  CacheState,
  QueuedImageList,
} from './cache-records.ts';
import type { FailureCode } from './failures.ts';
import type { Route } from './route.ts';

const common = ['forbidden', 'cache_off'] as const satisfies readonly FailureCode[];
const nothing = Type.Object({});

/** As the manager of the cache called them before there was /v2/cache; every success is 200. */
const olderRoutes = {
  listCachedImages: {
    method: 'GET',
    path: '/v2/cached_images',
    summary: 'What is in the cache: an older form',
    body: 'none',
    responses: { 200: CachedImageList },
    failures: common,
  },
  deleteCachedImages: {
    method: 'DELETE',
    path: '/v2/cached_images',
    summary: 'Empty the cache: an older form',
    body: 'none',
    responses: { 200: CacheDeletion },
    failures: common,
  },
  deleteCachedImage: {
    method: 'DELETE',
    path: '/v2/cached_images/:image_id',
    summary: 'Remove an image from the cache, if it is there: an older form',
    body: 'none',
    responses: { 200: nothing },
    failures: common,
  },
  listQueuedImages: {
    method: 'GET',
    path: '/v2/queued_images',
    summary: 'What is to be put into the cache: an older form',
    body: 'none',
    responses: { 200: QueuedImageList },
    failures: common,
  },
  deleteQueuedImages: {
    method: 'DELETE',
    path: '/v2/queued_images',
    summary: 'Empty the queue of the cache: an older form',
    body: 'none',
    responses: { 200: CacheDeletion },
    failures: common,
  },
  queueImage: {
    method: 'PUT',
    path: '/v2/queued_images/:image_id',
    summary: 'Have an image put into the cache: an older form',
    body: 'none',
    responses: { 200: nothing },
    failures: [...common, 'image_not_found', 'not_cacheable'],
  },
  deleteQueuedImage: {
    method: 'DELETE',
    path: '/v2/queued_images/:image_id',
    summary: 'Take an image from the queue of the cache, if it is there: an older form',
    body: 'none',
    responses: { 200: nothing },
    failures: common,
  },
} as const satisfies Record<string, Route>;

export const cacheRoutes = {
  listCache: {
    method: 'GET',
    path: '/v2/cache',
    summary: 'What is in the cache of this node, and what is to be put there',
    body: 'none',
    responses: { 200: CacheState },
    failures: common,
  },
  clearCache: {
    method: 'DELETE',
    path: '/v2/cache',
    summary: 'Empty the cache and its queue, or what the header x-image-cache-clear-target names',
    body: 'none',
    responses: { 204: null },
    failures: common,
  },
  cacheImage: {
    method: 'PUT',
    path: '/v2/cache/:image_id',
    summary: 'Have an image put into the cache',
    body: 'none',
    responses: { 202: null },
    failures: [...common, 'image_not_found', 'not_cacheable'],
  },
  uncacheImage: {
    method: 'DELETE',
    path: '/v2/cache/:image_id',
    summary: 'Remove an image from the cache and its queue',
    body: 'none',
    responses: { 204: null },
    failures: [...common, 'not_cached'],
  },
  listCacheNodes: {
    method: 'GET',
    path: '/v2/cache/nodes/:image_id',
    summary: 'The nodes whose caches have an image',
    body: 'none',
    responses: { 200: CacheNodeList },
    failures: [...common, 'image_not_found'],
  },
  cleanCache: {
    method: 'POST',
    path: '/v2/cache/clean',
    summary: 'Remove from the cache what is damaged',
    body: 'none',
    responses: { 200: nothing },
    failures: common,
  },
  pruneCache: {
    method: 'POST',
    path: '/v2/cache/prune',
    summary: 'Remove from the cache what is more than it may have',
    body: 'none',
    responses: { 200: CachePruning },
    failures: common,
  },
  ...olderRoutes,
} as const satisfies Record<string, Route>;
