/** /v2/images/{id}/locations and /v2/stores/{store}/{id}: where the data of an image is (API sections 5 and 6). */

import { LocationCreation } from '@tintype/contract';
import { addLocation } from '../../images/add-location.ts';
import { deleteFromStore } from '../../images/delete-from-store.ts';
import { listLocations } from '../../images/list-locations.ts';
import { readDigest } from '../../images/offered-location.ts';
import { tokenOf } from '../caller-token.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { bodyReader } from '../request-body.ts';
import { imageIdOf } from './image-id.ts';

const readCreation = bodyReader(LocationCreation);

export function imageLocationRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async addLocation(request, reply) {
      const { url, validation_data } = readCreation(request.body);
      await addLocation(parts, request.caller, {
        id: imageIdOf(request),
        url,
        validation: readDigest(validation_data),
        requestId: request.id,
        token: tokenOf(request),
      });
      return reply.code(202).send();
    },
    async listLocations(request, reply) {
      return reply.send(await listLocations(parts, request.caller, imageIdOf(request)));
    },
    async deleteFromStore(request, reply) {
      const { store_id: storeId } = request.params as { store_id: string };
      await deleteFromStore(parts, request.caller, { id: imageIdOf(request), storeId });
      return reply.code(204).send();
    },
  };
}
