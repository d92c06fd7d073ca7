/** /v2/image-exports: the data of images goes elsewhere. */
import { ImageExportRequest, imageExportSchema, imageExportsSchema } from '@tintype/contract';
import { startExport } from '../../actions/start-export.ts';
import { actionHandlers, sendBegun, sends } from '../action-handlers.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { bodyReader } from '../request-body.ts';

const readExport = bodyReader(ImageExportRequest);

export function imageExportRoutes(http: HttpParts): Handlers {
  const { list, show, forget, retry, cancel } = actionHandlers(http, 'image-exports', 'export');
  return {
    async createImageExport(request, reply) {
      const view = await startExport(http.actions, request.caller, {
        request: readExport(request.body),
        requestId: request.id,
      });
      return await sendBegun(http, request, reply, view);
    },
    listImageExports: list,
    showImageExport: show,
    deleteImageExport: forget,
    retryImageExport: retry,
    cancelImageExport: cancel,
    imageExportSchema: sends(imageExportSchema),
    imageExportsSchema: sends(imageExportsSchema),
  };
}
