/** The settings of the s3 store. */
import Type, { type Static } from 'typebox';
import { keptFormat } from '../kept-format.ts';
import { redirectSettings } from '../redirects.ts';

const text = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: null, description });
const secret = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: null, description, writeOnly: true });

export const s3StoreOptions = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$', description: 'Name in the API' }),
    type: Type.Literal('s3', { description: 'A bucket of Amazon S3, Ceph, Swift, MinIO and the like' }),
    endpoint: Type.Union([Type.String({ pattern: '^https?://[^/@?#\\s]+/?$' }), Type.Null()], {
      default: null,
      description: 'Such as https://s3.example.org; null: Amazon’s, by region',
    }),
    region: Type.String({
      minLength: 1,
      default: 'us-east-1',
      description: 'Region that requests are signed for',
    }),
    bucket: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$',
      description: 'It must be there already',
    }),
    prefix: Type.String({
      pattern: '^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*$',
      maxLength: 128,
      default: '',
      description:
        'What names of objects begin with, such as `images/`; needed where others use the bucket too',
    }),
    addressing: Type.Enum(['auto', 'path', 'virtual'], {
      default: 'auto',
      description: 'Whether the bucket stands in the path or in the host; auto: host at Amazon, else path',
    }),
    accessKey: secret('Access key id; null: from credentialsFile, or as the AWS SDK finds it'),
    secretKey: secret('Secret access key'),
    credentialsFile: text(
      'File with an `[default]` section as in ~/.aws/credentials; re-read when it changes',
    ),
    caFile: text('Certificate authorities (PEM) to trust besides the usual ones'),
    encryption: Type.Enum(['none', 'AES256', 'aws:kms'], {
      default: 'none',
      description: 'Encryption at rest that is asked for with each object',
    }),
    kmsKeyId: text('For encryption aws:kms: the key; null: the bucket’s'),
    partSize: Type.Integer({
      minimum: 5,
      maximum: 1024,
      default: 8,
      description:
        'MiB of a part. Objects below it are sent in one piece; in large ones parts grow to 32 MiB. Above 32 an upload takes twice as much memory',
    }),
    partsAtOnce: Type.Integer({
      minimum: 1,
      maximum: 16,
      default: 4,
      description: 'Parts of one upload sent at once, in 64 MiB of memory at most',
    }),
    maxParts: Type.Integer({
      minimum: 1,
      maximum: 10000,
      default: 10000,
      description: 'Parts that an object may have: 1000 for Swift as it comes',
    }),
    idleTimeout: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 30,
      description: 'Seconds without progress after which a request has failed',
    }),
    ...redirectSettings,
    ...keptFormat,
    weight: Type.Integer({ default: 0, description: 'Higher is read from first' }),
    description: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'Shown to users',
    }),
  },
  { additionalProperties: false },
);

export type S3StoreOptions = Static<typeof s3StoreOptions>;

/** Host, with the port when it is not the usual one, as location URLs have it. */
export function hostOfS3Store({ endpoint, region }: Pick<S3StoreOptions, 'endpoint' | 'region'>): string {
  return endpoint === null ? `s3.${region}.amazonaws.com` : new URL(endpoint).host;
}

export function placeOfS3Store(options: S3StoreOptions): string {
  return `${hostOfS3Store(options)}/${options.bucket}/${options.prefix}`;
}
