/** GET /v2/schemas/…: JSON Schemas that clients validate with (API section 10). */
import { imageSchema, imagesSchema, memberSchema, membersSchema } from '@tintype/contract';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';

export function schemaRoutes({ images }: HttpParts): Handlers {
  const { disk, container } = images.settings.formats;
  const { showDirectUrl, showMultipleLocations } = images.settings;
  const shown = {
    stores: images.stores.several,
    direct_url: showDirectUrl,
    locations: showMultipleLocations,
  };
  const one = imageSchema(disk, container, shown);
  const many = imagesSchema(disk, container, shown);
  return {
    imageSchema: async (_request, reply) => await reply.send(one),
    imagesSchema: async (_request, reply) => await reply.send(many),
    memberSchema: async (_request, reply) => await reply.send(memberSchema),
    membersSchema: async (_request, reply) => await reply.send(membersSchema),
  };
}
