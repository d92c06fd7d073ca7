/** The settings of the swift store. */
import Type, { type Static } from 'typebox';
import { keptFormat } from '../kept-format.ts';
import { redirectSettings } from '../redirects.ts';

const text = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: null, description });
const url = (description: string, more: object = {}) =>
  Type.String({ pattern: '^https?://[^/@?#\\s]+(/[^@?#\\s]*)?$', description, ...more });
const containerName = '^[^/]{1,240}$';

export const swiftStoreOptions = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$', description: 'Name in the API' }),
    type: Type.Literal('swift', { description: 'A container of OpenStack Swift, or of what speaks its API' }),
    authVersion: Type.Enum(['v3', 'v1'], {
      default: 'v3',
      description: 'v3: Keystone. v1: tempauth and the like',
    }),
    authUrl: url('Such as https://keys.example.org:5000/v3, or https://swift.example.org/auth/v1.0'),
    user: Type.String({ minLength: 1, description: 'Our user; for v1 `account:user`' }),
    key: Type.String({ minLength: 1, description: 'Its password', writeOnly: true }),
    project: Type.String({
      minLength: 1,
      default: 'service',
      description: 'For v3: the project whose account is used',
    }),
    userDomain: Type.String({
      minLength: 1,
      default: 'Default',
      description: 'For v3: name of the user’s domain',
    }),
    projectDomain: Type.String({
      minLength: 1,
      default: 'Default',
      description: 'For v3: name of the project’s domain',
    }),
    region: text('For v3: region of the endpoint in the catalogue; null: the first'),
    interface: Type.Enum(['public', 'internal', 'admin'], {
      default: 'public',
      description: 'For v3: which endpoint of the catalogue',
    }),
    storageUrl: Type.Union([url(''), Type.Null()], {
      default: null,
      description: 'The account to use instead of the one that is told with the token',
    }),
    container: Type.String({
      pattern: containerName,
      default: 'images',
      description:
        'Made when it is not there, and so is `<container>_segments` for the parts of large objects',
    }),
    containerFor: Type.Enum(['store', 'project', 'seed'], {
      default: 'store',
      description:
        'store: all images in `container`. project: those of each project in one of their own, `<container>_<project id>`, in the same account. seed: in as many as the first `containerSeed` characters of image ids make, `<container>_<characters>`. What is stored stays where it is when this changes',
    }),
    containerSeed: Type.Integer({
      minimum: 1,
      maximum: 32,
      default: 2,
      description: 'For `seed`: two characters make 256 containers, each more 16 times as many',
    }),
    caFile: text('Certificate authorities (PEM) to trust besides the usual ones'),
    segmentSize: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 16,
      description:
        'MiB of a segment. Objects below it are sent in one piece. Above 32 an upload takes twice as much memory',
    }),
    segmentsAtOnce: Type.Integer({
      minimum: 1,
      maximum: 16,
      default: 3,
      description: 'Segments of one upload sent at once, in 64 MiB of memory at most',
    }),
    maxSegments: Type.Integer({
      minimum: 2,
      maximum: 100000,
      default: 1000,
      description: 'Segments of one manifest; larger objects have manifests of manifests',
    }),
    idleTimeout: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 30,
      description: 'Seconds without progress after which a request has failed',
    }),
    ...redirectSettings,
    temporaryUrlKey: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'For redirectSeconds: a Temp-URL-Key of the account, that such URLs are signed with',
      writeOnly: true,
    }),
    ...keptFormat,
    weight: Type.Integer({ default: 0, description: 'Higher is read from first' }),
    description: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'Shown to users',
    }),
  },
  { additionalProperties: false },
);

export type SwiftStoreOptions = Static<typeof swiftStoreOptions>;

/** Authority and path of the authentication, and the project: one account has one such place. */
export function accountOfSwiftStore(options: SwiftStoreOptions): string {
  const { authVersion, authUrl, user, project } = options;
  const { host, pathname } = new URL(authUrl);
  const account = authVersion === 'v1' ? user.split(':')[0]! : project;
  return `${host}${pathname.replace(/\/$/, '')}/${encodeURIComponent(account)}`;
}

export function placeOfSwiftStore(options: SwiftStoreOptions): string {
  return `${accountOfSwiftStore(options)}/${encodeURIComponent(options.container)}`;
}
