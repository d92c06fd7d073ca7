/** /v2/images/{id}/actions: out of service and back (API section 3), and back from deletion. */
import { deactivateImage, reactivateImage } from '../../images/deactivate.ts';
import { restoreImage } from '../../images/restore.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { imageIdOf } from './image-id.ts';

export function imageActionRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async deactivateImage(request, reply) {
      await deactivateImage(parts, request.caller, imageIdOf(request));
      return reply.code(204).send();
    },
    async reactivateImage(request, reply) {
      await reactivateImage(parts, request.caller, imageIdOf(request));
      return reply.code(204).send();
    },
    async restoreImage(request, reply) {
      await restoreImage(parts, request.caller, imageIdOf(request));
      return reply.code(204).send();
    },
  };
}
