/** GET /v2/schemas/metadefs/…: JSON Schemas that clients validate with (API section 10). */
import { metadefSchemas } from '@tintype/contract';
import type { Handler, Handlers } from '../register.ts';

function schema(name: keyof typeof metadefSchemas): Handler {
  return async (_request, reply) => await reply.send(metadefSchemas[name]);
}

export const metadefSchemaRoutes: Handlers = {
  namespaceSchema: schema('namespace'),
  namespacesSchema: schema('namespaces'),
  resourceTypeSchema: schema('resource_type'),
  resourceTypesSchema: schema('resource_types'),
  metadefPropertySchema: schema('property'),
  metadefPropertiesSchema: schema('properties'),
  metadefObjectSchema: schema('object'),
  metadefObjectsSchema: schema('objects'),
  metadefTagSchema: schema('tag'),
  metadefTagsSchema: schema('tags'),
};
