/** /v2/metadefs/resource_types, and those that a namespace is for (API section 11). */
import { AssociationInput } from '@tintype/contract';
import { seconds } from '../../base/time.ts';
import { addDefinition } from '../../metadefs/add-definition.ts';
import { listDefinitions } from '../../metadefs/list-definitions.ts';
import { listResourceTypes } from '../../metadefs/list-resource-types.ts';
import { removeDefinition } from '../../metadefs/remove-definitions.ts';
import type { HttpParts } from '../context.ts';
import { readAssociation } from '../metadef-input.ts';
import { metadefReader, nameOf, namespaceOf, sendCreated, serverTimes } from '../metadef-request.ts';
import type { Handlers } from '../register.ts';
import { renderAssociation } from '../render-metadef.ts';

const readBody = metadefReader(AssociationInput, serverTimes);

export function metadefResourceTypeRoutes(http: HttpParts): Handlers {
  const { images: parts } = http;
  return {
    async listResourceTypes(request, reply) {
      const types = await listResourceTypes(parts, request.caller);
      return reply.send({
        resource_types: types.map(({ name, created_at, updated_at }) => ({
          name,
          created_at: seconds(created_at),
          updated_at: seconds(updated_at),
        })),
      });
    },
    async listAssociations(request, reply) {
      const found = await listDefinitions(parts, request.caller, namespaceOf(request), 'resource_type');
      return reply.send({ resource_type_associations: found.map(renderAssociation) });
    },
    async addAssociation(request, reply) {
      const namespace = namespaceOf(request);
      const given = readAssociation(readBody(request.body));
      const association = await addDefinition(parts, request.caller, namespace, given);
      const segments = [namespace, 'resource_types', association.name];
      return sendCreated(http, request, reply, segments, renderAssociation(association));
    },
    async removeAssociation(request, reply) {
      await removeDefinition(parts, request.caller, namespaceOf(request), 'resource_type', nameOf(request));
      return reply.code(204).send();
    },
  };
}
