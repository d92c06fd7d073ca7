/** The routes of exports, which send the data of an image elsewhere, a part of the route table. */
import { ActionRecord, ImageExportRequest } from './action-records.ts';
import { ActionListQuery, actionFinding, actionListing, actionPage, document } from './action-routes.ts';
import type { Route } from './route.ts';

export const exportRoutes = {
  createImageExport: {
    method: 'POST',
    path: '/v2/image-exports',
    summary: 'Send the data of an image to a URL that takes it with PUT, as it is or in another format',
    body: 'json',
    request: ImageExportRequest,
    responses: { 201: ActionRecord },
    failures: [
      'invalid_json',
      'source_url_invalid',
      'source_not_allowed',
      'address_blocked',
      'forbidden',
      'image_deactivated',
      'image_not_found',
      'status_conflict',
      'body_too_large',
    ],
  },
  listImageExports: {
    method: 'GET',
    path: '/v2/image-exports',
    summary: 'List exports, the newest first',
    body: 'none',
    query: ActionListQuery,
    responses: { 200: actionPage('image_exports') },
    failures: actionListing,
  },
  showImageExport: {
    method: 'GET',
    path: '/v2/image-exports/:action_id',
    summary: 'Show how far an export is, or how it ended',
    body: 'none',
    responses: { 200: ActionRecord },
    failures: actionFinding,
  },
  deleteImageExport: {
    method: 'DELETE',
    path: '/v2/image-exports/:action_id',
    summary: 'End an export and forget it; what has arrived at its URL stays there',
    body: 'none',
    responses: { 204: null },
    failures: actionFinding,
  },
  retryImageExport: {
    method: 'POST',
    path: '/v2/image-exports/:action_id/retry',
    summary: 'Let an export that failed go on at the step that failed',
    body: 'none',
    responses: { 202: null },
    failures: [...actionFinding, 'flow_state', 'image_deactivated', 'image_not_found', 'status_conflict'],
  },
  cancelImageExport: {
    method: 'POST',
    path: '/v2/image-exports/:action_id/cancel',
    summary: 'End an export; the record stays for a while, and at its URL what has arrived',
    body: 'none',
    responses: { 202: null },
    failures: [...actionFinding, 'flow_state'],
  },
  imageExportSchema: {
    method: 'GET',
    path: '/v2/schemas/image-export',
    summary: 'JSON Schema of an export',
    body: 'none',
    responses: document,
    failures: [],
  },
  imageExportsSchema: {
    method: 'GET',
    path: '/v2/schemas/image-exports',
    summary: 'JSON Schema of a page of exports',
    body: 'none',
    responses: document,
    failures: [],
  },
} as const satisfies Record<string, Route>;
