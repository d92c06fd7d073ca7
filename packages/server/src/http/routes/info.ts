/** GET /v2/info/…: what this server offers to the caller (API section 6). */
import { showUsage } from '../../images/show-usage.ts';
import { listStoreDetails, listStores } from '../../locations/list-stores.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { renderStore, renderStoreDetail } from '../render-store.ts';

export function infoRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async showUsage(request, reply) {
      return reply.send({ usage: await showUsage(parts, request.caller) });
    },
    async listStores(_request, reply) {
      return reply.send({ stores: listStores(parts).map(renderStore) });
    },
    async listStoreDetails(request, reply) {
      const stores = await listStoreDetails(parts, request.caller);
      return reply.send({ stores: stores.map(renderStoreDetail) });
    },
  };
}
