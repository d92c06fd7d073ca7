/** The cache of the node that answers: for administrators. */
import type { CachedImageRecord, CachePruning, CacheState } from '@tintype/contract';
import type { ApiRequest, Connection } from './connection.ts';
import { segment } from './endpoint.ts';

export type { CachedImageRecord, CachePruning, CacheState };

/** Each method throws ImageApiError `cache_off` when the node keeps none. */
export class NodeCache {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What is in it, and what is to be put there. */
  async list(signal?: AbortSignal): Promise<CacheState> {
    return await this.#connection.json<CacheState>({ method: 'GET', path: '/v2/cache', signal });
  }

  /** Has an active image put there: it is queued when this resolves. */
  async add(id: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'PUT', path: `/v2/cache/${segment(id)}`, signal });
  }

  /** From the cache and its queue. Throws ImageApiError `not_cached` when it is in neither. */
  async remove(id: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'DELETE', path: `/v2/cache/${segment(id)}`, signal });
  }

  /** Empties the cache and its queue, or only the one that is named. */
  async clear(part?: 'cache' | 'queue', signal?: AbortSignal): Promise<void> {
    const headers: Record<string, string> = part === undefined ? {} : { 'x-image-cache-clear-target': part };
    await this.#send({ method: 'DELETE', path: '/v2/cache', headers, signal });
  }

  /** URLs of the nodes whose caches have the image. */
  async nodesOf(id: string, signal?: AbortSignal): Promise<string[]> {
    return await this.#connection.json<string[]>({
      method: 'GET',
      path: `/v2/cache/nodes/${segment(id)}`,
      signal,
    });
  }

  /** Removes what is damaged. */
  async clean(signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'POST', path: '/v2/cache/clean', signal });
  }

  /** Removes what is more than the cache may have. */
  async prune(signal?: AbortSignal): Promise<CachePruning> {
    return await this.#connection.json<CachePruning>({ method: 'POST', path: '/v2/cache/prune', signal });
  }

  async #send(request: ApiRequest): Promise<void> {
    const answer = await this.#connection.send(request);
    await answer.body?.cancel();
  }
}
