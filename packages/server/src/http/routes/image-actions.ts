/** /v2/images/{id}/actions: out of service and back (API section 3), back from deletion, and given up. */
import { ImageFailing } from '@tintype/contract';
import { deactivateImage, reactivateImage } from '../../images/deactivate.ts';
import { failImage } from '../../images/fail.ts';
import { restoreImage } from '../../images/restore.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { bodyReader } from '../request-body.ts';
import { imageIdOf } from './image-id.ts';

const readFailing = bodyReader(ImageFailing);

export function imageActionRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async deactivateImage(request, reply) {
      await deactivateImage(parts, request.caller, imageIdOf(request));
      return reply.code(204).send();
    },
    async failImage(request, reply) {
      const { message } = readFailing(request.body);
      await failImage(parts, request.caller, { id: imageIdOf(request), message, requestId: request.id });
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
