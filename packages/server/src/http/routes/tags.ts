/** /v2/images/{id}/tags/{tag} (API section 3). */
import { addTag, removeTag } from '../../images/tag.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { imageIdOf, tagOf } from './image-id.ts';

export function tagRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async addTag(request, reply) {
      await addTag(parts, request.caller, imageIdOf(request), tagOf(request));
      return reply.code(204).send();
    },
    async removeTag(request, reply) {
      await removeTag(parts, request.caller, imageIdOf(request), tagOf(request));
      return reply.code(204).send();
    },
  };
}
