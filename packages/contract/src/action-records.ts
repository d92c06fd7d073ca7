/** Work on images that is asked about by itself: imports that bring an image about, exports, and all kinds in one list. */
import Type, { type Static, type TSchema } from 'typebox';
import { type FailureCode, failures } from './failures.ts';

export const actionTypes = ['import', 'export', 'clone'] as const;
export type ActionType = (typeof actionTypes)[number];

/** How far it is. `waiting`: for its data or for a worker; the last three stay. */
export const actionStatuses = [
  'waiting',
  'reading',
  'uploading',
  'verifying',
  'converting',
  'storing',
  'success',
  'failure',
  'cancelled',
] as const;
export type ActionStatus = (typeof actionStatuses)[number];

/** Hex digits of a digest, by algorithm. */
export const digestLengths = { md5: 32, sha1: 40, sha256: 64, sha384: 96, sha512: 128 } as const;

const oneOf = <const T extends readonly string[]>(values: T, more: object = {}) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...more });

const closed = { additionalProperties: false } as const;

export const ExpectedDigest = Type.Object(
  {
    algorithm: oneOf(Object.keys(digestLengths) as (keyof typeof digestLengths)[]),
    value: Type.String({ pattern: '^[0-9a-fA-F]{32,128}$', description: 'in hex' }),
  },
  closed,
);

export const ImageImportRequest = Type.Object(
  {
    location: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4096, description: 'http or https URL of the data' }),
    ),
    upload: Type.Optional(
      Type.Literal(true, { description: 'the data will be sent, to file of the answer' }),
    ),
    image_properties: Type.Object(
      {},
      { additionalProperties: true, description: 'what POST /v2/images takes, but for the id' },
    ),
    expected: Type.Optional(ExpectedDigest),
    size: Type.Optional(Type.Integer({ minimum: 0, description: 'bytes that the data must have' })),
    disk_format: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'found out unless it is here or in image_properties',
      }),
    ),
    stores: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        minItems: 1,
        maxItems: 100,
        description: 'ids; the default store unless given',
      }),
    ),
  },
  closed,
);
export type ImageImportRequest = Static<typeof ImageImportRequest>;

const cloneMembers = {
  image_ref: Type.String({
    minLength: 1,
    maxLength: 255,
    description: 'path or id of the image, which must be active',
  }),
  region: Type.String({ minLength: 1, maxLength: 255, description: 'where the other image service is' }),
  image_properties: Type.Optional(
    Type.Object(
      {},
      {
        additionalProperties: true,
        description: 'what is to be otherwise there: name, tags, visibility, min_disk, min_ram, properties',
      },
    ),
  ),
  store: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'id of a store there; the default one unless given',
    }),
  ),
};

export const ImageCloneRequest = Type.Object(cloneMembers, closed);
export type ImageCloneRequest = Static<typeof ImageCloneRequest>;

/** Of `POST /v2/image-actions`. */
export const ImageActionRequest = Type.Object({ action_type: oneOf(['clone']), ...cloneMembers }, closed);

export const ImageExportRequest = Type.Object(
  {
    image_ref: Type.String({ minLength: 1, maxLength: 255, description: 'path or id of the image' }),
    location: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'http or https URL that takes the data with one PUT',
    }),
    disk_format: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'what the data is converted to; it stays what it is unless given',
      }),
    ),
  },
  closed,
);
export type ImageExportRequest = Static<typeof ImageExportRequest>;

const codes = Object.keys(failures) as FailureCode[];
const Time = Type.String({ description: 'ISO 8601' });
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const ActionError = Type.Object({
  code: oneOf(codes, { description: 'the codes of error answers' }),
  message: Type.String(),
  step: Type.String({ description: 'where it failed' }),
  retryable: Type.Boolean({ description: 'whether a retry goes on from that step' }),
});
export type ActionError = Static<typeof ActionError>;

/** What a clone has become. */
export const CloneTarget = Type.Object(
  {
    region: Type.String(),
    image_ref: Type.String({ description: 'path of the image, in that region' }),
    size: nullable(Type.Integer({ description: 'bytes' })),
    checksum: nullable(Type.String({ description: 'MD5 in hex, as that region says' })),
    os_hash_algo: nullable(Type.String()),
    os_hash_value: nullable(Type.String({ description: 'in hex, as that region says' })),
  },
  { description: 'the image in the other region, after success' },
);
export type CloneTarget = Static<typeof CloneTarget>;

export const ActionRecord = Type.Object({
  id: Type.String({ format: 'uuid' }),
  action_type: oneOf(actionTypes),
  status: oneOf(actionStatuses),
  owner: nullable(Type.String()),
  location: Type.Optional(
    Type.String({
      description:
        'where the data comes from, or of an export goes to and after success is; without what is secret in the URL',
    }),
  ),
  image_properties: Type.Optional(
    Type.Object({}, { additionalProperties: true, description: 'as asked for, until there is an image' }),
  ),
  image_ref: Type.Optional(
    Type.String({
      description:
        'path of the image, or of the one that is read; of one that an import brings about after success',
    }),
  ),
  region: Type.Optional(Type.String({ description: 'where a clone goes to' })),
  store: Type.Optional(Type.String({ description: 'of a clone, there' })),
  target: Type.Optional(CloneTarget),
  expected: Type.Optional(ExpectedDigest),
  size: Type.Optional(Type.Integer({ description: 'bytes expected, or of an export sent' })),
  disk_format: Type.Optional(Type.String()),
  checksum: Type.Optional(nullable(Type.String({ description: 'md5 of what an export has sent' }))),
  os_hash_algo: Type.Optional(Type.String()),
  os_hash_value: Type.Optional(Type.String({ description: 'of what an export has sent' })),
  stores: Type.Optional(Type.Array(Type.String())),
  progress: Type.Union([
    Type.Object({
      step: Type.String(),
      done: Type.Integer({ description: 'bytes' }),
      total: nullable(Type.Integer()),
    }),
    Type.Null(),
  ]),
  attempt: Type.Integer({ description: 'at the step under way, from 1; 0: none yet' }),
  heartbeat_at: nullable(Time),
  stalled: Type.Boolean({ description: 'the worker is lost, or nothing has moved for a while' }),
  message: Type.String({ description: 'what is happening, or how it ended' }),
  error: Type.Optional(ActionError),
  created_at: Time,
  updated_at: Time,
  'expires-by': Type.Optional(Type.String({ description: 'when this record is forgotten' })),
  self: Type.String(),
  file: Type.Optional(Type.String({ description: 'where the data is to be sent, with PUT' })),
  schema: Type.String(),
});
export type ActionRecord = Static<typeof ActionRecord>;
