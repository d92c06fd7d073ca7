/** /v2/metadefs/namespaces and …/{namespace} (API section 11). */
import { NamespaceInput } from '@tintype/contract';
import { createNamespace } from '../../metadefs/create-namespace.ts';
import { deleteNamespace } from '../../metadefs/delete-namespace.ts';
import { listNamespaces } from '../../metadefs/list-namespaces.ts';
import { replaceNamespace } from '../../metadefs/replace-namespace.ts';
import { showNamespace } from '../../metadefs/show-namespace.ts';
import type { HttpParts } from '../context.ts';
import { readNamespace, readNested } from '../metadef-input.ts';
import { metadefReader, namespaceOf, sendCreated, serverTimesAndLinks } from '../metadef-request.ts';
import { pageLink, queryOf } from '../page-link.ts';
import type { Handlers } from '../register.ts';
import { renderFull, renderNamespace } from '../render-metadef.ts';

const path = '/v2/metadefs/namespaces';
const readInput = metadefReader(NamespaceInput, serverTimesAndLinks);

export function metadefNamespaceRoutes(http: HttpParts): Handlers {
  const { images: parts } = http;
  const limits = { standard: parts.settings.limitDefault, most: parts.settings.limitMax };
  return {
    async listNamespaces(request, reply) {
      const query = queryOf(request);
      const { namespaces, next } = await listNamespaces(parts, request.caller, query, limits);
      return reply.send({
        namespaces: namespaces.map((one) => renderFull(one)),
        first: pageLink(path, query, null),
        ...(next === null ? {} : { next: pageLink(path, query, next) }),
        schema: '/v2/schemas/metadefs/namespaces',
      });
    },
    async createNamespace(request, reply) {
      const input = readInput(request.body);
      const draft = readNamespace(input);
      const created = await createNamespace(parts, request.caller, draft, readNested(input));
      return sendCreated(http, request, reply, [created.namespace.namespace], renderFull(created));
    },
    async showNamespace(request, reply) {
      const resourceType = queryOf(request).get('resource_type') ?? undefined;
      const full = await showNamespace(parts, request.caller, namespaceOf(request));
      return reply.send(renderFull(full, resourceType));
    },
    async replaceNamespace(request, reply) {
      const draft = readNamespace(readInput(request.body));
      const namespace = await replaceNamespace(parts, request.caller, namespaceOf(request), draft);
      return reply.send(renderNamespace(namespace));
    },
    async deleteNamespace(request, reply) {
      await deleteNamespace(parts, request.caller, namespaceOf(request));
      return reply.code(204).send();
    },
  };
}
