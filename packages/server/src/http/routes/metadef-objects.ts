/** /v2/metadefs/namespaces/{namespace}/objects (API section 11). */
import { MetadefObjectInput } from '@tintype/contract';
import { addDefinition } from '../../metadefs/add-definition.ts';
import { pageDefinitions } from '../../metadefs/list-definitions.ts';
import { clearDefinitions, removeDefinition } from '../../metadefs/remove-definitions.ts';
import { replaceDefinition } from '../../metadefs/replace-definition.ts';
import { showDefinition } from '../../metadefs/show-definition.ts';
import type { HttpParts } from '../context.ts';
import { readObject } from '../metadef-input.ts';
import { metadefReader, nameOf, namespaceOf, sendCreated, serverTimesAndLinks } from '../metadef-request.ts';
import { queryOf } from '../page-link.ts';
import type { Handlers } from '../register.ts';
import { renderObject } from '../render-metadef.ts';

const readBody = metadefReader(MetadefObjectInput, serverTimesAndLinks);

export function metadefObjectRoutes(http: HttpParts): Handlers {
  const { images: parts } = http;
  return {
    async listMetadefObjects(request, reply) {
      const namespace = namespaceOf(request);
      const query = queryOf(request);
      const objects = await pageDefinitions(parts, request.caller, namespace, 'object', query);
      return reply.send({
        objects: objects.map((one) => renderObject(namespace, one)),
        // Glance: no slash at the beginning.
        schema: 'v2/schemas/metadefs/objects',
      });
    },
    async addMetadefObject(request, reply) {
      const namespace = namespaceOf(request);
      const object = await addDefinition(
        parts,
        request.caller,
        namespace,
        readObject(readBody(request.body)),
      );
      const segments = [namespace, 'objects', object.name];
      return sendCreated(http, request, reply, segments, renderObject(namespace, object));
    },
    async showMetadefObject(request, reply) {
      const [namespace, name] = [namespaceOf(request), nameOf(request)];
      const object = await showDefinition(parts, request.caller, namespace, 'object', name);
      return reply.send(renderObject(namespace, object));
    },
    async replaceMetadefObject(request, reply) {
      const after = readObject(readBody(request.body));
      const [namespace, name] = [namespaceOf(request), nameOf(request)];
      const object = await replaceDefinition(parts, request.caller, namespace, name, after);
      return reply.send(renderObject(namespace, object));
    },
    async removeMetadefObject(request, reply) {
      await removeDefinition(parts, request.caller, namespaceOf(request), 'object', nameOf(request));
      return reply.code(204).send();
    },
    async clearMetadefObjects(request, reply) {
      await clearDefinitions(parts, request.caller, namespaceOf(request), 'object');
      return reply.code(204).send();
    },
  };
}
