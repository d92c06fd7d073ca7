/** /v2/metadefs/namespaces/{namespace}/properties (API section 11). */
import { MetadefProperty } from '@tintype/contract';
import { addDefinition } from '../../metadefs/add-definition.ts';
import { listDefinitions } from '../../metadefs/list-definitions.ts';
import { parameter } from '../../metadefs/page-query.ts';
import { clearDefinitions, removeDefinition } from '../../metadefs/remove-definitions.ts';
import { replaceDefinition } from '../../metadefs/replace-definition.ts';
import { showDefinition, showPropertyOn } from '../../metadefs/show-definition.ts';
import type { HttpParts } from '../context.ts';
import { readProperty } from '../metadef-input.ts';
import { metadefReader, nameOf, namespaceOf, sendCreated, serverTimes } from '../metadef-request.ts';
import { queryOf } from '../page-link.ts';
import type { Handlers } from '../register.ts';
import { renderProperties, renderProperty } from '../render-metadef.ts';

const readBody = metadefReader(MetadefProperty, serverTimes);

function readInput(body: unknown) {
  const property = readBody(body);
  return readProperty(property.name, property);
}

export function metadefPropertyRoutes(http: HttpParts): Handlers {
  const { images: parts } = http;
  return {
    async listMetadefProperties(request, reply) {
      const found = await listDefinitions(parts, request.caller, namespaceOf(request), 'property');
      return reply.send({ properties: renderProperties(found) });
    },
    async addMetadefProperty(request, reply) {
      const namespace = namespaceOf(request);
      const property = await addDefinition(parts, request.caller, namespace, readInput(request.body));
      const segments = [namespace, 'properties', property.name];
      return sendCreated(http, request, reply, segments, renderProperty(property));
    },
    async showMetadefProperty(request, reply) {
      const [namespace, name] = [namespaceOf(request), nameOf(request)];
      const resourceType = parameter(queryOf(request), 'resource_type');
      const property =
        resourceType === null
          ? await showDefinition(parts, request.caller, namespace, 'property', name)
          : await showPropertyOn(parts, request.caller, namespace, resourceType, name);
      return reply.send(renderProperty(property));
    },
    async replaceMetadefProperty(request, reply) {
      const after = readInput(request.body);
      const [namespace, name] = [namespaceOf(request), nameOf(request)];
      return reply.send(
        renderProperty(await replaceDefinition(parts, request.caller, namespace, name, after)),
      );
    },
    async removeMetadefProperty(request, reply) {
      await removeDefinition(parts, request.caller, namespaceOf(request), 'property', nameOf(request));
      return reply.code(204).send();
    },
    async clearMetadefProperties(request, reply) {
      await clearDefinitions(parts, request.caller, namespaceOf(request), 'property');
      return reply.code(204).send();
    },
  };
}
