/** Every route of the API: the table that the server, its documentation and its tests go by. */
import Type, { type TSchema } from 'typebox';
import type { FailureCode } from './failures.ts';
import {
  ImageCreation,
  ImagePage,
  ImagePatch,
  ImageRecord,
  MemberAnswer,
  MemberCreation,
  MemberList,
  MemberRecord,
  TaskList,
  VersionsDocument,
} from './records.ts';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` for one path segment. */
  readonly path: string;
  readonly summary: string;
  /** What the request carries: nothing, one JSON document, or image data. */
  readonly body: 'none' | 'json' | 'data';
  /** Answered without a token. */
  readonly open?: true;
  readonly request?: TSchema;
  /** Content types of `request` other than application/json. */
  readonly consumes?: readonly string[];
  readonly query?: TSchema;
  /** Success status → schema of the body, null where the body is empty, 'data' for image data, 'text' for plain text. */
  readonly responses: Readonly<Record<number, TSchema | null | 'data' | 'text'>>;
  /** Codes besides those any route can answer (`commonFailures`). */
  readonly failures: readonly FailureCode[];
}

/** What any route may answer. */
export const commonFailures: readonly FailureCode[] = [
  'unauthenticated',
  'bad_request',
  'body_not_allowed',
  'upload_cut',
  'upload_stalled',
  'not_found',
  'header_too_large',
  'method_not_allowed',
  'unknown_method',
  'unavailable',
  'internal',
];

export const patchMediaTypes = [
  'application/openstack-images-v2.1-json-patch',
  'application/openstack-images-v2.0-json-patch',
] as const;

const optionalText = (description: string) => Type.Optional(Type.String({ description }));

const ListQuery = Type.Object(
  {
    limit: optionalText('page size, 25 unless given, at most 1000'),
    marker: optionalText('id of the last image of the page before'),
    sort: optionalText('`key[:asc|desc],…`'),
    sort_key: optionalText('repeatable, with sort_dir'),
    sort_dir: optionalText('asc or desc'),
    id: optionalText('equality or `in:a,b`'),
    name: optionalText('equality or `in:a,b`'),
    status: optionalText('equality or `in:a,b`'),
    disk_format: optionalText('equality or `in:a,b`'),
    container_format: optionalText('equality or `in:a,b`'),
    created_at: optionalText('`gt: gte: lt: lte: eq: neq:` and an ISO 8601 time'),
    updated_at: optionalText('`gt: gte: lt: lte: eq: neq:` and an ISO 8601 time'),
    size_min: optionalText('bytes, inclusive'),
    size_max: optionalText('bytes, inclusive'),
    tag: optionalText('repeatable: all must be there'),
    visibility: optionalText('public, private, shared, community or all'),
    member_status: optionalText('accepted, pending, rejected or all'),
    owner: optionalText('project id'),
    os_hidden: optionalText('true or false'),
    protected: optionalText('true or false'),
  },
  { additionalProperties: true },
);

const PreferQuery = Type.Object({ prefer: optionalText('stores to try first, comma separated') });

export const routes = {
  root: {
    method: 'GET',
    path: '/',
    summary: 'The versions this server speaks',
    body: 'none',
    open: true,
    responses: { 300: VersionsDocument },
    failures: [],
  },
  versions: {
    method: 'GET',
    path: '/versions',
    summary: 'The versions this server speaks',
    body: 'none',
    open: true,
    responses: { 200: VersionsDocument },
    failures: [],
  },
  healthcheck: {
    method: 'GET',
    path: '/healthcheck',
    summary: 'Is the process alive',
    body: 'none',
    open: true,
    responses: { 200: 'text' },
    failures: [],
  },
  readyz: {
    method: 'GET',
    path: '/readyz',
    summary: 'Can the process serve: database and stores answer, no shutdown under way',
    body: 'none',
    open: true,
    responses: {
      200: Type.Object({ ready: Type.Literal(true), checks: Type.Record(Type.String(), Type.String()) }),
    },
    failures: [],
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'Figures in Prometheus text form',
    body: 'none',
    open: true,
    responses: { 200: 'text' },
    failures: [],
  },
  imageSchema: {
    method: 'GET',
    path: '/v2/schemas/image',
    summary: 'JSON Schema of an image',
    body: 'none',
    responses: { 200: Type.Object({}, { additionalProperties: true }) },
    failures: [],
  },
  imagesSchema: {
    method: 'GET',
    path: '/v2/schemas/images',
    summary: 'JSON Schema of a page of images',
    body: 'none',
    responses: { 200: Type.Object({}, { additionalProperties: true }) },
    failures: [],
  },
  memberSchema: {
    method: 'GET',
    path: '/v2/schemas/member',
    summary: 'JSON Schema of a member of an image',
    body: 'none',
    responses: { 200: Type.Object({}, { additionalProperties: true }) },
    failures: [],
  },
  membersSchema: {
    method: 'GET',
    path: '/v2/schemas/members',
    summary: 'JSON Schema of the members of an image',
    body: 'none',
    responses: { 200: Type.Object({}, { additionalProperties: true }) },
    failures: [],
  },
  createImage: {
    method: 'POST',
    path: '/v2/images',
    summary: 'Create an image record',
    body: 'json',
    request: ImageCreation,
    responses: { 201: ImageRecord },
    failures: [
      'invalid_json',
      'invalid_attribute',
      'read_only',
      'reserved_attribute',
      'forbidden',
      'image_exists',
      'body_too_large',
      'quota_properties',
      'quota_tags',
    ],
  },
  listImages: {
    method: 'GET',
    path: '/v2/images',
    summary: 'List the images the caller may see',
    body: 'none',
    query: ListQuery,
    responses: { 200: ImagePage },
    failures: ['invalid_query', 'invalid_marker', 'forbidden'],
  },
  showImage: {
    method: 'GET',
    path: '/v2/images/:image_id',
    summary: 'Show one image',
    body: 'none',
    responses: { 200: ImageRecord },
    failures: ['image_not_found', 'forbidden'],
  },
  changeImage: {
    method: 'PATCH',
    path: '/v2/images/:image_id',
    summary: 'Change attributes; all operations apply or none',
    body: 'json',
    request: ImagePatch,
    consumes: patchMediaTypes,
    responses: { 200: ImageRecord },
    failures: [
      'invalid_json',
      'invalid_patch',
      'invalid_attribute',
      'read_only',
      'reserved_attribute',
      'formats_fixed',
      'forbidden',
      'image_not_found',
      'property_missing',
      'property_exists',
      'precondition_failed',
      'body_too_large',
      'quota_properties',
      'quota_tags',
      'unsupported_media_type',
    ],
  },
  deleteImage: {
    method: 'DELETE',
    path: '/v2/images/:image_id',
    summary: 'Delete an image in any status',
    body: 'none',
    responses: { 204: null },
    failures: ['image_not_found', 'forbidden', 'image_protected', 'precondition_failed'],
  },
  addTag: {
    method: 'PUT',
    path: '/v2/images/:image_id/tags/:tag',
    summary: 'Add a tag',
    body: 'none',
    responses: { 204: null },
    failures: ['invalid_attribute', 'image_not_found', 'forbidden', 'quota_tags'],
  },
  removeTag: {
    method: 'DELETE',
    path: '/v2/images/:image_id/tags/:tag',
    summary: 'Remove a tag',
    body: 'none',
    responses: { 204: null },
    failures: ['image_not_found', 'tag_not_found', 'forbidden'],
  },
  uploadData: {
    method: 'PUT',
    path: '/v2/images/:image_id/file',
    summary: 'Upload the image data',
    body: 'data',
    responses: { 204: null },
    failures: [
      'bad_request',
      'formats_unset',
      'unknown_store',
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
      'unsupported_media_type',
      'format_mismatch',
      'unsafe_image',
      'store_unavailable',
      'interrupted',
    ],
  },
  downloadData: {
    method: 'GET',
    path: '/v2/images/:image_id/file',
    summary: 'Download the image data, whole or one range',
    body: 'none',
    query: PreferQuery,
    responses: { 200: 'data', 204: null, 206: 'data', 304: null },
    failures: [
      'several_ranges',
      'range_not_satisfiable',
      'unknown_store',
      'forbidden',
      'image_deactivated',
      'image_not_found',
      'precondition_failed',
      'store_unavailable',
    ],
  },
  deactivateImage: {
    method: 'POST',
    path: '/v2/images/:image_id/actions/deactivate',
    summary: 'Take an active image out of service',
    body: 'none',
    responses: { 204: null },
    failures: ['image_not_found', 'forbidden', 'status_forbidden'],
  },
  reactivateImage: {
    method: 'POST',
    path: '/v2/images/:image_id/actions/reactivate',
    summary: 'Put a deactivated image back into service',
    body: 'none',
    responses: { 204: null },
    failures: ['image_not_found', 'forbidden', 'status_forbidden'],
  },
  addMember: {
    method: 'POST',
    path: '/v2/images/:image_id/members',
    summary: 'Share an image with a project',
    body: 'json',
    request: MemberCreation,
    responses: { 200: MemberRecord },
    failures: [
      'invalid_json',
      'bad_request',
      'image_not_found',
      'forbidden',
      'not_shared',
      'member_exists',
      'quota_members',
      'body_too_large',
    ],
  },
  listMembers: {
    method: 'GET',
    path: '/v2/images/:image_id/members',
    summary: 'List the projects an image is shared with; a member sees only itself',
    body: 'none',
    responses: { 200: MemberList },
    failures: ['image_not_found', 'forbidden', 'not_shared'],
  },
  showMember: {
    method: 'GET',
    path: '/v2/images/:image_id/members/:member_id',
    summary: 'Show one project an image is shared with',
    body: 'none',
    responses: { 200: MemberRecord },
    failures: ['image_not_found', 'member_not_found', 'forbidden', 'not_shared'],
  },
  answerMember: {
    method: 'PUT',
    path: '/v2/images/:image_id/members/:member_id',
    summary: 'Accept or reject a shared image: as the project it is shared with',
    body: 'json',
    request: MemberAnswer,
    responses: { 200: MemberRecord },
    failures: [
      'invalid_json',
      'bad_request',
      'image_not_found',
      'member_not_found',
      'forbidden',
      'not_shared',
      'body_too_large',
    ],
  },
  removeMember: {
    method: 'DELETE',
    path: '/v2/images/:image_id/members/:member_id',
    summary: 'End the sharing of an image with a project',
    body: 'none',
    responses: { 204: null },
    failures: ['image_not_found', 'member_not_found', 'forbidden', 'not_shared'],
  },
  listImageTasks: {
    method: 'GET',
    path: '/v2/images/:image_id/tasks',
    summary: 'What was done to an image and how it ended',
    body: 'none',
    responses: { 200: TaskList },
    failures: ['image_not_found', 'forbidden'],
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
