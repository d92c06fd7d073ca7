/** /v2/image-clones, and what /v2/image-actions takes besides being read: images that come to be in other regions. */

import {
  ImageActionRequest,
  ImageCloneRequest,
  imageCloneSchema,
  imageClonesSchema,
} from '@tintype/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { startClone } from '../../actions/start-clone.ts';
import { actionHandlers, sendBegun, sends } from '../action-handlers.ts';
import { tokenOf } from '../caller-token.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { bodyReader } from '../request-body.ts';

const readClone = bodyReader(ImageCloneRequest);
const readAction = bodyReader(ImageActionRequest);

async function create(
  http: HttpParts,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: ImageCloneRequest,
): Promise<unknown> {
  const view = await startClone(http.actions, request.caller, {
    request: asked,
    token: tokenOf(request),
    requestId: request.id,
  });
  return await sendBegun(http, request, reply, view);
}

export function imageCloneRoutes(http: HttpParts): Handlers {
  const { list, show, forget, retry, cancel } = actionHandlers(http, 'image-clones', 'clone');
  const any = actionHandlers(http, 'image-actions', null);
  return {
    createImageAction(request, reply) {
      const { action_type: _clone, ...asked } = readAction(request.body);
      return create(http, request, reply, asked);
    },
    deleteImageAction: any.forget,
    retryImageAction: any.retry,
    createImageClone: (request, reply) => create(http, request, reply, readClone(request.body)),
    listImageClones: list,
    showImageClone: show,
    deleteImageClone: forget,
    retryImageClone: retry,
    cancelImageClone: cancel,
    imageCloneSchema: sends(imageCloneSchema),
    imageClonesSchema: sends(imageClonesSchema),
  };
}
