/** /v2/metadefs/namespaces/{namespace}/tags (API section 11). */
import { MetadefTagInput, MetadefTagsInput } from '@tintype/contract';
import type { FastifyRequest } from 'fastify';
import { addDefinition } from '../../metadefs/add-definition.ts';
import { pageDefinitions } from '../../metadefs/list-definitions.ts';
import { clearDefinitions, removeDefinition } from '../../metadefs/remove-definitions.ts';
import { replaceDefinition } from '../../metadefs/replace-definition.ts';
import { setTags } from '../../metadefs/set-tags.ts';
import { showDefinition } from '../../metadefs/show-definition.ts';
import type { HttpParts } from '../context.ts';
import { readTag } from '../metadef-input.ts';
import { metadefReader, nameOf, namespaceOf, sendCreated, serverTimes } from '../metadef-request.ts';
import { queryOf } from '../page-link.ts';
import type { Handlers } from '../register.ts';
import { renderTag } from '../render-metadef.ts';
import { textHeader } from '../upload-headers.ts';

const readOne = metadefReader(MetadefTagInput, serverTimes);
const readMany = metadefReader(MetadefTagsInput, serverTimes);

function isAppended(request: FastifyRequest): boolean {
  const text = textHeader(request.headers['x-openstack-append']) ?? '';
  return /^(1|t|true|on|y|yes)$/i.test(text.trim());
}

const namesOnly = (tags: readonly { readonly name: string }[]) => ({
  tags: tags.map(({ name }) => ({ name })),
});

export function metadefTagRoutes(http: HttpParts): Handlers {
  const { images: parts } = http;
  return {
    async listMetadefTags(request, reply) {
      const namespace = namespaceOf(request);
      return reply.send(
        namesOnly(await pageDefinitions(parts, request.caller, namespace, 'tag', queryOf(request))),
      );
    },
    async setMetadefTags(request, reply) {
      const namespace = namespaceOf(request);
      const given = readMany(request.body).tags.map(({ name }) => readTag(name));
      const tags = await setTags(parts, request.caller, {
        namespace,
        tags: given,
        append: isAppended(request),
      });
      return sendCreated(http, request, reply, [namespace, 'tags'], namesOnly(tags));
    },
    async addMetadefTag(request, reply) {
      const namespace = namespaceOf(request);
      const { name } = readOne({ name: nameOf(request) });
      const tag = await addDefinition(parts, request.caller, namespace, readTag(name));
      return sendCreated(http, request, reply, [namespace, 'tags', name], renderTag(tag));
    },
    async showMetadefTag(request, reply) {
      const [namespace, name] = [namespaceOf(request), nameOf(request)];
      return reply.send(renderTag(await showDefinition(parts, request.caller, namespace, 'tag', name)));
    },
    async replaceMetadefTag(request, reply) {
      const after = readTag(readOne(request.body).name);
      const [namespace, name] = [namespaceOf(request), nameOf(request)];
      return reply.send(renderTag(await replaceDefinition(parts, request.caller, namespace, name, after)));
    },
    async removeMetadefTag(request, reply) {
      await removeDefinition(parts, request.caller, namespaceOf(request), 'tag', nameOf(request));
      return reply.code(204).send();
    },
    async clearMetadefTags(request, reply) {
      await clearDefinitions(parts, request.caller, namespaceOf(request), 'tag');
      return reply.code(204).send();
    },
  };
}
