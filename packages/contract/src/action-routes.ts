/** The routes of imports that bring an image about, and of all work on images in one list, a part of the route table. */
import Type from 'typebox';
import { ActionRecord, actionStatuses, actionTypes, ImageImportRequest } from './action-records.ts';
import type { FailureCode } from './failures.ts';
import type { Route } from './route.ts';

/** Failures of routes that list, and of those that name one. */
export const actionListing: readonly FailureCode[] = ['invalid_query', 'invalid_marker', 'forbidden'];
export const actionFinding: readonly FailureCode[] = ['action_not_found', 'forbidden'];

const optionalText = (description: string) => Type.Optional(Type.String({ description }));

const paging = {
  limit: optionalText('page size, 25 unless given, at most 1000'),
  marker: optionalText('id of the last one of the page before'),
  status: optionalText(actionStatuses.join(', ')),
};
export const ActionListQuery = Type.Object(paging, { additionalProperties: true });
const ActionsQuery = Type.Object(
  { ...paging, action_type: optionalText(actionTypes.join(', ')) },
  { additionalProperties: true },
);

export const actionPage = (name: string) =>
  Type.Object({
    [name]: Type.Array(ActionRecord),
    first: Type.String(),
    next: Type.Optional(Type.String()),
    schema: Type.String(),
  });

export const document = { 200: Type.Object({}, { additionalProperties: true }) };

export const actionRoutes = {
  createImageImport: {
    method: 'POST',
    path: '/v2/image-imports',
    summary: 'Bring an image about from data elsewhere: the image is there when the data is',
    body: 'json',
    request: ImageImportRequest,
    responses: { 201: ActionRecord },
    failures: [
      'invalid_json',
      'invalid_attribute',
      'import_method',
      'unknown_store',
      'source_url_invalid',
      'source_not_allowed',
      'address_blocked',
      'signature_required',
      'signature_invalid',
      'certificate_refused',
      'forbidden',
      'read_only',
      'reserved_attribute',
      'size_cap',
      'quota_exceeded',
      'quota_properties',
      'quota_tags',
      'body_too_large',
    ],
  },
  listImageImports: {
    method: 'GET',
    path: '/v2/image-imports',
    summary: 'List imports, the newest first',
    body: 'none',
    query: ActionListQuery,
    responses: { 200: actionPage('image_imports') },
    failures: actionListing,
  },
  showImageImport: {
    method: 'GET',
    path: '/v2/image-imports/:action_id',
    summary: 'Show how far an import is, or how it ended',
    body: 'none',
    responses: { 200: ActionRecord },
    failures: actionFinding,
  },
  deleteImageImport: {
    method: 'DELETE',
    path: '/v2/image-imports/:action_id',
    summary: 'End an import, take back what it did, and forget it; an image that is there stays',
    body: 'none',
    responses: { 204: null },
    failures: actionFinding,
  },
  uploadImageImport: {
    method: 'PUT',
    path: '/v2/image-imports/:action_id/file',
    summary: 'Send the data of an import that waits for it; what is cut may be sent again',
    body: 'data',
    responses: { 204: null },
    failures: [
      ...actionFinding,
      'bad_request',
      'size_mismatch',
      'digest_mismatch',
      'signature_required',
      'signature_invalid',
      'certificate_refused',
      'upload_cut',
      'upload_stalled',
      'status_conflict',
      'image_deleted',
      'size_cap',
      'store_full',
      'quota_exceeded',
      'unsupported_media_type',
      'store_unavailable',
      'interrupted',
    ],
  },
  retryImageImport: {
    method: 'POST',
    path: '/v2/image-imports/:action_id/retry',
    summary: 'Let an import that failed go on at the step that failed',
    body: 'none',
    responses: { 202: null },
    failures: [...actionFinding, 'flow_state'],
  },
  cancelImageImport: {
    method: 'POST',
    path: '/v2/image-imports/:action_id/cancel',
    summary: 'End an import and take back what it did; the record stays for a while',
    body: 'none',
    responses: { 202: null },
    failures: [...actionFinding, 'flow_state'],
  },
  listImageActions: {
    method: 'GET',
    path: '/v2/image-actions',
    summary: 'List work on images of every kind, the newest first',
    body: 'none',
    query: ActionsQuery,
    responses: { 200: actionPage('image_actions') },
    failures: actionListing,
  },
  showImageAction: {
    method: 'GET',
    path: '/v2/image-actions/:action_id',
    summary: 'Show a piece of work of any kind; its own resource is in self',
    body: 'none',
    responses: { 200: ActionRecord },
    failures: actionFinding,
  },
  imageImportSchema: {
    method: 'GET',
    path: '/v2/schemas/image-import',
    summary: 'JSON Schema of an import',
    body: 'none',
    responses: document,
    failures: [],
  },
  imageImportsSchema: {
    method: 'GET',
    path: '/v2/schemas/image-imports',
    summary: 'JSON Schema of a page of imports',
    body: 'none',
    responses: document,
    failures: [],
  },
  imageActionSchema: {
    method: 'GET',
    path: '/v2/schemas/image-action',
    summary: 'JSON Schema of a piece of work of any kind',
    body: 'none',
    responses: document,
    failures: [],
  },
  imageActionsSchema: {
    method: 'GET',
    path: '/v2/schemas/image-actions',
    summary: 'JSON Schema of a page of work of every kind',
    body: 'none',
    responses: document,
    failures: [],
  },
} as const satisfies Record<string, Route>;
