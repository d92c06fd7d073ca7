/** The records of the API as TypeBox schemas and types. */
import Type, { type Static } from 'typebox';
import { imageStatuses, visibilities } from './image-schema.ts';

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const oneOf = <T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });

/** `YYYY-MM-DDTHH:MM:SSZ`. */
const Time = Type.String();

/** Where the bytes of an image are; `store` in the metadata is the id of the store. */
export const LocationRecord = Type.Object({
  url: Type.String(),
  metadata: Type.Record(Type.String(), Type.String()),
});
export type LocationRecord = Static<typeof LocationRecord>;

/** What a caller sends to give an image a location. */
export const LocationCreation = Type.Object(
  {
    url: Type.String({ minLength: 1 }),
    validation_data: Type.Optional(
      Type.Object(
        {
          os_hash_algo: Type.Optional(oneOf(['md5', 'sha1', 'sha256', 'sha512'] as const)),
          os_hash_value: Type.Optional(Type.String({ maxLength: 128 })),
        },
        { additionalProperties: false, description: 'both or none' },
      ),
    ),
  },
  { additionalProperties: false },
);

/** One image, the same by itself and in a list (API section 2); custom properties are further strings. */
export const ImageRecord = Type.Object(
  {
    id: Type.String(),
    name: nullable(Type.String({ maxLength: 255 })),
    status: oneOf(imageStatuses),
    visibility: oneOf(visibilities),
    protected: Type.Boolean(),
    os_hidden: Type.Boolean(),
    owner: nullable(Type.String({ maxLength: 255 })),
    disk_format: nullable(Type.String()),
    container_format: nullable(Type.String()),
    min_disk: Type.Integer({ minimum: 0, description: 'GiB' }),
    min_ram: Type.Integer({ minimum: 0, description: 'MiB' }),
    tags: Type.Array(Type.String({ maxLength: 255 })),
    size: nullable(Type.Integer({ minimum: 0, description: 'bytes' })),
    virtual_size: nullable(Type.Integer({ minimum: 0, description: 'bytes' })),
    checksum: nullable(Type.String({ maxLength: 32 })),
    os_hash_algo: nullable(Type.String({ maxLength: 64 })),
    os_hash_value: nullable(Type.String({ maxLength: 128 })),
    created_at: Time,
    updated_at: Time,
    self: Type.String(),
    file: Type.String(),
    schema: Type.String(),
    stores: Type.Optional(Type.String({ description: 'comma list, from servers with several stores' })),
    direct_url: Type.Optional(Type.String()),
    locations: Type.Optional(Type.Array(LocationRecord)),
  },
  { additionalProperties: nullable(Type.String()) },
);
export type ImageRecord = Static<typeof ImageRecord>;

/** What a caller may send to create an image; read-only names are refused with 403, not 400. */
export const ImageCreation = Type.Object(
  {
    id: Type.Optional(Type.String({ format: 'uuid' })),
    name: Type.Optional(nullable(Type.String({ maxLength: 255 }))),
    visibility: Type.Optional(oneOf(visibilities)),
    protected: Type.Optional(Type.Boolean()),
    os_hidden: Type.Optional(Type.Boolean()),
    owner: Type.Optional(nullable(Type.String({ maxLength: 255 }))),
    disk_format: Type.Optional(nullable(Type.String())),
    container_format: Type.Optional(nullable(Type.String())),
    min_disk: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
    min_ram: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 255 }))),
  },
  { additionalProperties: Type.String() },
);

export const ImagePage = Type.Object({
  images: Type.Array(ImageRecord),
  first: Type.String(),
  next: Type.Optional(Type.String()),
  schema: Type.String(),
});
export type ImagePage = Static<typeof ImagePage>;

/** Both patch forms (API section 3): `{"op","path","value"}` and the older `{"replace":"/name","value"}`. */
export const ImagePatch = Type.Array(Type.Object({}, { additionalProperties: true }));

/** A project that an image is shared with (API section 7). */
export const MemberRecord = Type.Object({
  image_id: Type.String(),
  member_id: Type.String(),
  status: oneOf(['pending', 'accepted', 'rejected'] as const),
  created_at: Time,
  updated_at: Time,
  schema: Type.String(),
});
export type MemberRecord = Static<typeof MemberRecord>;

export const MemberList = Type.Object({ members: Type.Array(MemberRecord), schema: Type.String() });

export const MemberCreation = Type.Object({ member: Type.String({ minLength: 1, maxLength: 255 }) });

export const MemberAnswer = Type.Object({ status: oneOf(['pending', 'accepted', 'rejected'] as const) });

/** One piece of work on an image; times are ISO 8601 with microseconds and no zone. */
export const TaskRecord = Type.Object({
  id: Type.String(),
  type: Type.String(),
  status: oneOf(['pending', 'processing', 'success', 'failure'] as const),
  owner: nullable(Type.String()),
  image_id: Type.String(),
  user_id: nullable(Type.String()),
  request_id: nullable(Type.String()),
  input: Type.Object({}, { additionalProperties: true }),
  result: nullable(Type.Object({}, { additionalProperties: true })),
  message: Type.String(),
  expires_at: nullable(Type.String()),
  created_at: Type.String(),
  updated_at: Type.String(),
  deleted: Type.Boolean(),
  deleted_at: nullable(Type.String()),
});
export type TaskRecord = Static<typeof TaskRecord>;

export const TaskList = Type.Object({ tasks: Type.Array(TaskRecord) });

/** Sizes in MiB; limit -1: none. Empty when quotas are off. */
export const UsageDocument = Type.Object({
  usage: Type.Record(Type.String(), Type.Object({ usage: Type.Integer(), limit: Type.Integer() })),
});

export const VersionsDocument = Type.Object({
  versions: Type.Array(
    Type.Object({
      id: Type.String(),
      status: oneOf(['CURRENT', 'SUPPORTED'] as const),
      links: Type.Array(Type.Object({ rel: Type.String(), href: Type.String() })),
    }),
  ),
});
export type VersionsDocument = Static<typeof VersionsDocument>;
