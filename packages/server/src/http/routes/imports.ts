/** /v2/images/{id}/stage and /import, /v2/info/import: data that arrives by way of the staging area (API section 4). */

import { ImportRequest } from '@tintype/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { startImport } from '../../actions/start-import.ts';
import { Failure } from '../../base/failure.ts';
import { stageImage } from '../../images/stage.ts';
import { tokenOf } from '../caller-token.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { bodyReader } from '../request-body.ts';
import { readAnnouncedSize, readExpectedDigests, textHeader } from '../upload-headers.ts';
import { imageIdOf } from './image-id.ts';

const readImport = bodyReader(ImportRequest);

async function stage(http: HttpParts, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { actions, images, metrics, settings } = http;
  if (!actions.importMethods.includes('glance-direct'))
    throw new Failure('not_found', 'This server does not offer the import method glance-direct.');
  const body = request.raw;
  const before = body.socket.bytesRead;
  try {
    await stageImage(images, request.caller, {
      id: imageIdOf(request),
      body,
      accept: request.acceptBody,
      expectedSize: readAnnouncedSize(request.headers),
      expectedDigests: readExpectedDigests(request.headers),
      idleMs: settings.uploadIdleMs,
      requestId: request.id,
    });
  } finally {
    metrics.bytesIn.inc(body.socket.bytesRead - before);
  }
  return await reply.code(204).send();
}

export function importRoutes(http: HttpParts): Handlers {
  const { actions } = http;
  return {
    stageData: (request, reply) => stage(http, request, reply),

    async importImage(request, reply) {
      await startImport(actions, request.caller, {
        id: imageIdOf(request),
        request: readImport(request.body),
        storeHeader: textHeader(request.headers['x-image-meta-store']) ?? null,
        token: tokenOf(request),
        requestId: request.id,
      });
      return await reply.code(202).send();
    },

    async showImportMethods(_request, reply) {
      const value = [...actions.importMethods];
      const description = 'Import methods available.';
      return await reply.send({ 'import-methods': { description, type: 'array', value } });
    },
  };
}
