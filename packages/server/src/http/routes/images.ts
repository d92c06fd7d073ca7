/** /v2/images and /v2/images/{id}: the records (API section 3). */

import { patchMediaTypes } from '@tintype/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { oncePer } from '../../base/once-per.ts';
import { changeImage } from '../../images/change.ts';
import { createImage } from '../../images/create.ts';
import { deleteImage } from '../../images/delete.ts';
import { type Image, revisionOf } from '../../images/image.ts';
import { listImages } from '../../images/list.ts';
import { showImage } from '../../images/show.ts';
import type { ShownImage } from '../../images/shown.ts';
import { tokenOf } from '../caller-token.ts';
import type { HttpParts } from '../context.ts';
import { pageLink, queryOf } from '../page-link.ts';
import { ifMatchHolds, ifNoneMatchHas } from '../preconditions.ts';
import { publicUrl } from '../public-url.ts';
import type { Handlers } from '../register.ts';
import { imageBytes, imagePage } from '../render-image.ts';
import { imageIdOf } from './image-id.ts';

const json = 'application/json; charset=utf-8';

const etagOf = oncePer((image: Image) => `"${revisionOf(image)}"`);

function sendRecord(reply: FastifyReply, status: number, image: ShownImage): FastifyReply {
  return reply.code(status).header('ETag', etagOf(image)).type(json).send(imageBytes(image));
}

/** The precondition that the request's If-Match states. */
function preconditionOf(request: FastifyRequest): (revision: string) => boolean {
  return (revision) => ifMatchHolds(request.headers['if-match'], `"${revision}"`);
}

export function imageRoutes({ images: parts, actions, settings }: HttpParts): Handlers {
  return {
    async createImage(request, reply) {
      const image = await createImage(parts, request.caller, request.body);
      reply.header('Location', `${publicUrl(request, settings.publicEndpoint)}/v2/images/${image.id}`);
      const { all, several } = parts.stores;
      if (several) reply.header('OpenStack-image-store-ids', all.map(({ id }) => id).join(','));
      if (actions.importMethods.length > 0)
        reply.header('OpenStack-image-import-methods', actions.importMethods.join(','));
      return sendRecord(reply, 201, image);
    },

    async listImages(request, reply) {
      const query = queryOf(request);
      const { images, next } = await listImages(parts, request.caller, query);
      const page = imagePage(images, {
        first: pageLink('/v2/images', query, null),
        ...(next === null ? {} : { next: pageLink('/v2/images', query, next) }),
        schema: '/v2/schemas/images',
      });
      return reply.type(json).send(page);
    },

    async showImage(request, reply) {
      const image = await showImage(parts, request.caller, imageIdOf(request));
      const known = request.headers['if-none-match'];
      if (known !== undefined && ifNoneMatchHas(known, etagOf(image)))
        return reply.code(304).header('ETag', etagOf(image)).send();
      return sendRecord(reply, 200, image);
    },

    async changeImage(request, reply) {
      const [newForm] = patchMediaTypes;
      const form = request.headers['content-type']?.toLowerCase().startsWith(newForm) ? 'v2.1' : 'v2.0';
      const image = await changeImage(parts, request.caller, {
        id: imageIdOf(request),
        body: request.body,
        form,
        precondition: preconditionOf(request),
        requestId: request.id,
        token: tokenOf(request),
      });
      return sendRecord(reply, 200, image);
    },

    async deleteImage(request, reply) {
      await deleteImage(parts, request.caller, {
        id: imageIdOf(request),
        precondition: preconditionOf(request),
        token: tokenOf(request),
      });
      return reply.code(204).send();
    },
  };
}
