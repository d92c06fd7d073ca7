/** The routes of staging, imports and tasks (API sections 4 and 8), a part of the route table. */
import Type, { type Static } from 'typebox';
import type { FailureCode } from './failures.ts';
import { TaskRecord } from './records.ts';
import type { Route } from './route.ts';

const optionalText = (description: string) => Type.Optional(Type.String({ description }));

const remote = (description: string) => Type.String({ minLength: 1, maxLength: 255, description });

export const ImportRequest = Type.Object({
  method: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 255 }),
    uri: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'for web-download' })),
    glance_region: Type.Optional(remote('for glance-download: the region that has the image')),
    glance_image_id: Type.Optional(remote('for glance-download: the image there')),
    glance_service_interface: Type.Optional(remote('for glance-download: public unless given')),
  }),
  stores: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 1000 })),
  all_stores: Type.Optional(Type.Boolean()),
  all_stores_must_succeed: Type.Optional(Type.Boolean()),
});
export type ImportRequest = Static<typeof ImportRequest>;

const ImportMethods = Type.Object({
  'import-methods': Type.Object({
    description: Type.String(),
    type: Type.Literal('array'),
    value: Type.Array(Type.String()),
  }),
});

export const TaskRequest = Type.Object({
  type: Type.Literal('import'),
  input: Type.Object({
    import_from: Type.String({ minLength: 1, maxLength: 4096, description: 'http or https URL' }),
    import_from_format: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    image_properties: Type.Object({}, { additionalProperties: true }),
  }),
});
export type TaskRequest = Static<typeof TaskRequest>;

const TaskQuery = Type.Object(
  {
    limit: optionalText('page size, 25 unless given, at most 1000'),
    marker: optionalText('id of the last task of the page before'),
    sort_key: optionalText('created_at, updated_at, expires_at, id, type or status'),
    sort_dir: optionalText('asc or desc, desc unless given'),
    type: optionalText('import'),
    status: optionalText('pending, processing, success or failure'),
  },
  { additionalProperties: true },
);

const TaskPage = Type.Object({
  tasks: Type.Array(Type.Object({}, { additionalProperties: true })),
  first: Type.String(),
  next: Type.Optional(Type.String()),
  schema: Type.String(),
});

const document = { 200: Type.Object({}, { additionalProperties: true }) };

const receiving: readonly FailureCode[] = [
  'bad_request',
  'size_mismatch',
  'digest_mismatch',
  'upload_cut',
  'upload_stalled',
  'forbidden',
  'image_not_found',
  'status_conflict',
  'image_deleted',
  'size_cap',
  'store_full',
  'quota_exceeded',
  'unsupported_media_type',
  'store_unavailable',
  'interrupted',
];

export const importRoutes = {
  stageData: {
    method: 'PUT',
    path: '/v2/images/:image_id/stage',
    summary: 'Stage the image data for an import',
    body: 'data',
    responses: { 204: null },
    failures: receiving,
  },
  importImage: {
    method: 'POST',
    path: '/v2/images/:image_id/import',
    summary: 'Import the image data by one of the methods; carried out later',
    body: 'json',
    request: ImportRequest,
    responses: { 202: null },
    failures: [
      'invalid_json',
      'import_method',
      'source_url_invalid',
      'source_not_allowed',
      'address_blocked',
      'store_has_image',
      'signature_required',
      'signature_invalid',
      'certificate_refused',
      'forbidden',
      'image_not_found',
      'status_conflict',
      'image_busy',
      'import_formats_unset',
      'no_such_store',
      'quota_exceeded',
      'body_too_large',
    ],
  },
  showImportMethods: {
    method: 'GET',
    path: '/v2/info/import',
    summary: 'The methods of import that this server offers',
    body: 'none',
    responses: { 200: ImportMethods },
    failures: [],
  },
  createTask: {
    method: 'POST',
    path: '/v2/tasks',
    summary: 'Make an image of the data at a URL; carried out later',
    body: 'json',
    request: TaskRequest,
    responses: { 201: TaskRecord },
    failures: [
      'bad_request',
      'invalid_json',
      'invalid_attribute',
      'import_method',
      'import_formats_unset',
      'source_url_invalid',
      'source_not_allowed',
      'address_blocked',
      'signature_required',
      'signature_invalid',
      'certificate_refused',
      'forbidden',
      'read_only',
      'reserved_attribute',
      'image_exists',
      'quota_exceeded',
      'quota_properties',
      'quota_tags',
      'body_too_large',
    ],
  },
  listTasks: {
    method: 'GET',
    path: '/v2/tasks',
    summary: 'List the work on all images',
    body: 'none',
    query: TaskQuery,
    responses: { 200: TaskPage },
    failures: ['invalid_query', 'invalid_marker', 'forbidden'],
  },
  showTask: {
    method: 'GET',
    path: '/v2/tasks/:task_id',
    summary: 'Show one piece of work',
    body: 'none',
    responses: { 200: TaskRecord },
    failures: ['task_not_found', 'forbidden'],
  },
  taskSchema: {
    method: 'GET',
    path: '/v2/schemas/task',
    summary: 'JSON Schema of a task',
    body: 'none',
    responses: document,
    failures: [],
  },
  tasksSchema: {
    method: 'GET',
    path: '/v2/schemas/tasks',
    summary: 'JSON Schema of a page of tasks',
    body: 'none',
    responses: document,
    failures: [],
  },
} as const satisfies Record<string, Route>;
