/** The routes of clones in other regions, a part of the route table. */
import { ActionRecord, ImageActionRequest, ImageCloneRequest } from './action-records.ts';
import { ActionListQuery, actionFinding, actionListing, actionPage, document } from './action-routes.ts';
import type { FailureCode } from './failures.ts';
import type { Route } from './route.ts';

const creating: readonly FailureCode[] = [
  'invalid_json',
  'invalid_attribute',
  'no_such_region',
  'forbidden',
  'read_only',
  'reserved_attribute',
  'image_deactivated',
  'image_not_found',
  'status_conflict',
  'body_too_large',
];

export const cloneRoutes = {
  createImageAction: {
    method: 'POST',
    path: '/v2/image-actions',
    summary: 'Begin work on an image: clone it in another region',
    body: 'json',
    request: ImageActionRequest,
    responses: { 201: ActionRecord },
    failures: creating,
  },
  deleteImageAction: {
    method: 'DELETE',
    path: '/v2/image-actions/:action_id',
    summary: 'End work of any kind, take back what it did, and forget it',
    body: 'none',
    responses: { 204: null },
    failures: actionFinding,
  },
  retryImageAction: {
    method: 'POST',
    path: '/v2/image-actions/:action_id/retry',
    summary: 'Let work of any kind that failed go on at the step that failed',
    body: 'none',
    responses: { 202: null },
    failures: [...actionFinding, 'flow_state', 'image_deactivated', 'image_not_found', 'status_conflict'],
  },
  createImageClone: {
    method: 'POST',
    path: '/v2/image-clones',
    summary: 'Clone an image in another region: its record, its data, and a comparison of both',
    body: 'json',
    request: ImageCloneRequest,
    responses: { 201: ActionRecord },
    failures: creating,
  },
  listImageClones: {
    method: 'GET',
    path: '/v2/image-clones',
    summary: 'List clones, the newest first',
    body: 'none',
    query: ActionListQuery,
    responses: { 200: actionPage('image_clones') },
    failures: actionListing,
  },
  showImageClone: {
    method: 'GET',
    path: '/v2/image-clones/:action_id',
    summary: 'Show how far a clone is, or how it ended',
    body: 'none',
    responses: { 200: ActionRecord },
    failures: actionFinding,
  },
  deleteImageClone: {
    method: 'DELETE',
    path: '/v2/image-clones/:action_id',
    summary: 'End a clone, take back what it did there, and forget it; an image that is there stays',
    body: 'none',
    responses: { 204: null },
    failures: actionFinding,
  },
  retryImageClone: {
    method: 'POST',
    path: '/v2/image-clones/:action_id/retry',
    summary: 'Let a clone that failed go on at the step that failed, with the token of this request',
    body: 'none',
    responses: { 202: null },
    failures: [...actionFinding, 'flow_state', 'image_deactivated', 'image_not_found', 'status_conflict'],
  },
  cancelImageClone: {
    method: 'POST',
    path: '/v2/image-clones/:action_id/cancel',
    summary: 'End a clone and take back what it did there; the record stays for a while',
    body: 'none',
    responses: { 202: null },
    failures: [...actionFinding, 'flow_state'],
  },
  imageCloneSchema: {
    method: 'GET',
    path: '/v2/schemas/image-clone',
    summary: 'JSON Schema of a clone',
    body: 'none',
    responses: document,
    failures: [],
  },
  imageClonesSchema: {
    method: 'GET',
    path: '/v2/schemas/image-clones',
    summary: 'JSON Schema of a page of clones',
    body: 'none',
    responses: document,
    failures: [],
  },
} as const satisfies Record<string, Route>;
