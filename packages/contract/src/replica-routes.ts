/** The copies of an image's data, one a store (seed S1), a part of the route table. */
import Type, { type Static } from 'typebox';
import type { Route } from './route.ts';

const replicaStates = ['creating', 'active', 'pending_delete', 'failed', 'missing'] as const;

const Nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

export const ReplicaRecord = Type.Object({
  id: Nullable('null while it is being created'),
  image_id: Type.String(),
  store: Type.String(),
  state: Type.Enum(replicaStates),
  disk_format: Nullable('of the bytes in this store'),
  container_format: Nullable('of the bytes in this store'),
  size: Type.Union([Type.Integer(), Type.Null()], { description: 'bytes' }),
  checksum: Nullable('md5'),
  os_hash_algo: Nullable('of os_hash_value'),
  os_hash_value: Nullable('hex'),
  disk_sha256: Nullable(
    'sha256 in hex of what a guest sees, of a copy in another format than that of the image: found to be the same disk',
  ),
  created_at: Nullable('since when it is there'),
  checked_at: Nullable('when it was found failed or missing'),
  self: Nullable('its URL'),
});
export type ReplicaRecord = Static<typeof ReplicaRecord>;

export const ReplicaList = Type.Object({
  health: Type.Enum(['healthy', 'degraded', 'unavailable', 'empty'], {
    description:
      'healthy: all copies can be read; degraded: some; unavailable: none; empty: there is no data, or none is kept in a store',
  }),
  replicas: Type.Array(ReplicaRecord),
});

export const ReplicaCreation = Type.Object(
  {
    store: Type.String({ minLength: 1, maxLength: 255 }),
    disk_format: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'raw, qcow2, vmdk or vhd: what the disk is converted to; else as it is',
      }),
    ),
  },
  { additionalProperties: false },
);

const path = '/v2/images/:image_id/replicas';

export const replicaRoutes = {
  listReplicas: {
    method: 'GET',
    path,
    summary: 'The copies of the data of an image, and how they are',
    body: 'none',
    responses: { 200: ReplicaList },
    failures: ['image_not_found'],
  },
  addReplica: {
    method: 'POST',
    path,
    summary:
      'Copy the data of an active image into a further store, or its disk in another format; how it goes shows in the tasks of the image',
    body: 'json',
    request: ReplicaCreation,
    responses: { 202: null },
    failures: [
      'invalid_json',
      'bad_request',
      'import_method',
      'import_formats_unset',
      'forbidden',
      'image_not_found',
      'no_such_store',
      'status_conflict',
      'replica_exists',
      'image_busy',
      'body_too_large',
      'quota_exceeded',
      'conversion_failed',
    ],
  },
  deleteReplica: {
    method: 'DELETE',
    path: '/v2/images/:image_id/replicas/:replica_id',
    summary: 'Remove one of several copies of the data of an image',
    body: 'none',
    responses: { 204: null },
    failures: [
      'image_not_found',
      'location_not_found',
      'forbidden',
      'last_location',
      'status_conflict',
      'image_in_use',
    ],
  },
} as const satisfies Record<string, Route>;
