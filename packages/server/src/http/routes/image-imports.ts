/** /v2/image-imports: images that come to be with their data; /v2/image-actions: all such work in one list. */

import {
  ImageImportRequest,
  imageActionSchema,
  imageActionsSchema,
  imageImportSchema,
  imageImportsSchema,
} from '@tintype/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { startImageImport } from '../../actions/start-image-import.ts';
import { uploadImageImport } from '../../actions/upload-image-import.ts';
import { actionHandlers, askedOf, sendBegun, sends } from '../action-handlers.ts';
import { tokenOf } from '../caller-token.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { bodyReader } from '../request-body.ts';
import { readAnnouncedSize, readExpectedDigests } from '../upload-headers.ts';

const readImport = bodyReader(ImageImportRequest);

async function upload(http: HttpParts, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { actions, metrics, settings } = http;
  const body = request.raw;
  const before = body.socket.bytesRead;
  try {
    await uploadImageImport(actions, request.caller, {
      id: askedOf(request, 'import').id,
      body,
      accept: request.acceptBody,
      expectedSize: readAnnouncedSize(request.headers),
      expectedDigests: readExpectedDigests(request.headers),
      idleMs: settings.uploadIdleMs,
      token: tokenOf(request),
      requestId: request.id,
    });
  } finally {
    metrics.bytesIn.inc(body.socket.bytesRead - before);
  }
  return await reply.code(204).send();
}

export function imageImportRoutes(http: HttpParts): Handlers {
  const { list, show, forget, retry, cancel } = actionHandlers(http, 'image-imports', 'import');
  const any = actionHandlers(http, 'image-actions', null);
  return {
    async createImageImport(request, reply) {
      const view = await startImageImport(http.actions, request.caller, {
        request: readImport(request.body),
        token: tokenOf(request),
        requestId: request.id,
      });
      return await sendBegun(http, request, reply, view);
    },
    listImageImports: list,
    showImageImport: show,
    deleteImageImport: forget,
    uploadImageImport: (request, reply) => upload(http, request, reply),
    retryImageImport: retry,
    cancelImageImport: cancel,
    listImageActions: any.list,
    showImageAction: any.show,
    imageImportSchema: sends(imageImportSchema),
    imageImportsSchema: sends(imageImportsSchema),
    imageActionSchema: sends(imageActionSchema),
    imageActionsSchema: sends(imageActionsSchema),
  };
}
