/** Every setting: its type, default and meaning. Unknown keys are refused. */
import { defaultContainerFormats, defaultDiskFormats } from '@tintype/contract';
import Type, { type Static } from 'typebox';
import { fetchRules, fetchSettings } from '../base/fetch/settings.ts';
import { amqpSettings, webhookSettings } from '../events/settings.ts';
import { fileStoreOptions } from '../stores/file/options.ts';
import { httpStoreOptions } from '../stores/http/options.ts';
import { formatSetting } from '../stores/kept-format.ts';
import { rbdStoreOptions } from '../stores/rbd/options.ts';
import { s3StoreOptions } from '../stores/s3/options.ts';
import { swiftStoreOptions } from '../stores/swift/options.ts';

const closed = { additionalProperties: false };
const nullable = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: null, description });

const text = (description: string, standard?: string) =>
  Type.String({ minLength: 1, description, ...(standard === undefined ? {} : { default: standard }) });
const optionally = <T extends Type.TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { default: null, description });

const KeystoneSettings = Type.Object(
  {
    authUrl: Type.String({ pattern: '^https?://', description: 'Keystone v3, such as https://host:5000/v3' }),
    username: text('Our own user, which validates tokens', 'glance'),
    password: Type.String({ minLength: 1, description: 'Its password', writeOnly: true }),
    projectName: text('Its project', 'service'),
    userDomainName: text('Domain of the user', 'Default'),
    projectDomainName: text('Domain of the project', 'Default'),
    region: nullable('Region of this server'),
    caFile: nullable('Certificate authorities to trust instead of the system’s'),
    cacheTime: Type.Integer({
      minimum: 0,
      default: 60,
      description: 'Seconds a validation is remembered: a revoked token may work this long',
    }),
  },
  closed,
);

const OidcSettings = Type.Object(
  {
    issuer: Type.String({ pattern: '^https?://', description: 'The `iss` of tokens' }),
    audience: text('What the `aud` of tokens must name'),
    jwksUri: nullable('Where the keys are; null: asked from the issuer'),
    claims: Type.Object(
      {
        user: text('Claim with the user id', 'sub'),
        project: text('Claim with the project id', 'project_id'),
        roles: text('Claim with the roles: a list, or names apart by spaces', 'roles'),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
);

const IdentitySettings = Type.Object(
  {
    mode: Type.Enum(['tokens', 'keystone', 'oidc', 'headers', 'none'], {
      default: 'tokens',
      description:
        'tokens: tokens of our own. keystone: Keystone v3. oidc: JSON Web Tokens of an issuer. headers: an authenticating proxy in front. none: everybody is admin, loopback only.',
    }),
    keystone: optionally(KeystoneSettings, 'For mode keystone'),
    oidc: optionally(OidcSettings, 'For mode oidc'),
  },
  { ...closed, default: {} },
);

/** Told apart by `type`. */
const StoreSettings = Type.Union([
  fileStoreOptions,
  httpStoreOptions,
  rbdStoreOptions,
  s3StoreOptions,
  swiftStoreOptions,
]);

const ImageSettings = Type.Object(
  {
    sizeCap: Type.Integer({ minimum: 1, default: 1099511627776, description: 'Largest image in bytes' }),
    virtualSizeCap: Type.Integer({
      minimum: 1,
      default: 70368744177664,
      description: 'Largest disk in bytes that a guest may see, whatever the size of its image; 64 TiB',
    }),
    hashAlgorithm: Type.Enum(['sha512', 'sha384', 'sha256', 'sha1', 'md5'], {
      default: 'sha512',
      description: 'os_hash_algo of new images',
    }),
    legacyMd5: Type.Boolean({ default: true, description: 'Also compute the md5 `checksum`' }),
    requireFormatMatch: Type.Boolean({
      default: true,
      description: 'Refuse data that is not what disk_format declares',
    }),
    diskFormats: Type.Array(Type.String({ minLength: 1 }), {
      default: [...defaultDiskFormats],
      description: 'disk_format values accepted',
    }),
    containerFormats: Type.Array(Type.String({ minLength: 1 }), {
      default: [...defaultContainerFormats],
      description: 'container_format values accepted',
    }),
    limitDefault: Type.Integer({
      minimum: 1,
      default: 25,
      description: 'Images a page unless asked otherwise',
    }),
    limitMax: Type.Integer({
      minimum: 1,
      maximum: 10000,
      default: 1000,
      description: 'Images a page at most',
    }),
    maxProperties: Type.Integer({
      minimum: -1,
      default: 128,
      description: 'Properties an image; -1: no limit',
    }),
    maxTags: Type.Integer({ minimum: -1, default: 128, description: 'Tags an image; -1: no limit' }),
    maxLocations: Type.Integer({ minimum: -1, default: 10, description: 'Locations an image; -1: no limit' }),
    showDirectUrl: Type.Boolean({
      default: false,
      description: 'Show the owner of an image the URL of its bytes, as `direct_url`',
    }),
    showMultipleLocations: Type.Boolean({
      default: false,
      description:
        'Show the owner of an image all URLs of its bytes, as `locations`, and let them be set by PATCH: see advisory OSSN-0065',
    }),
    verifyDownloads: Type.Enum(['auto', 'always', 'never'], {
      default: 'auto',
      description:
        'Whether the data of a download is held against the digest of the image: always, never, or auto: when it comes from a store that is reached over a network',
    }),
    maxMembers: Type.Integer({ minimum: -1, default: 128, description: 'Members an image; -1: no limit' }),
    delayedDelete: Type.Boolean({
      default: false,
      description: 'Keep deleted images for scrubTime, so that an administrator can restore them',
    }),
    scrubTime: Type.Integer({
      minimum: 0,
      maximum: 315360000,
      default: 86400,
      description: 'Seconds that deleted images are kept when delayedDelete is on',
    }),
    uploadIdleTimeout: Type.Integer({
      minimum: 1,
      default: 60,
      description: 'Seconds without data after which an upload has failed',
    }),
  },
  { ...closed, default: {} },
);

const SignatureSettings = Type.Object(
  {
    required: Type.Boolean({ default: false, description: 'Refuse data of images that are not signed' }),
    certificates: Type.Object(
      {
        source: Type.Enum(['none', 'barbican', 'folder', 'url'], {
          default: 'none',
          description: 'Where the certificates of signers are; none: signed images are refused',
        }),
        endpoint: Type.Union([Type.String({ pattern: '^https?://[^/@\\s]+(/[^@\\s]*)?$' }), Type.Null()], {
          default: null,
          description: 'For source barbican: the key manager; null: asked from Keystone’s catalogue',
        }),
        folder: nullable('For source folder: it has `<uuid>.pem`, `.crt` or `.der`, the UUID in lower case'),
        url: Type.Union(
          [Type.String({ pattern: '^https://[^/@\\s]+/[^@\\s]*\\{uuid\\}[^@\\s]*$' }), Type.Null()],
          { default: null, description: 'For source url: such as `https://host/{uuid}.pem`' },
        ),
        caFile: nullable('Certificate authorities to trust for https instead of the system’s'),
      },
      { ...closed, default: {} },
    ),
    trustedCertificates: nullable(
      'PEM file: the certificate of a signer must be in it, or be issued by one in it; re-read when it changes',
    ),
  },
  { ...closed, default: {} },
);

const StagingSettings = Type.Object(
  {
    path: nullable('Folder where data waits for its import; null: `staging` in the data directory'),
  },
  { ...closed, default: {} },
);

const ImportSettings = Type.Object(
  {
    methods: Type.Array(Type.Enum(['glance-direct', 'web-download', 'copy-image', 'glance-download']), {
      default: ['glance-direct', 'web-download', 'copy-image'],
      description: 'Methods of import that users may choose from; empty: none',
    }),
    regions: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 255, description: 'What users call it' }),
          endpoint: Type.String({
            pattern: '^https?://[^/@?#\\s]+(/[^@?#\\s]*)?$',
            description: 'Its image service',
          }),
        },
        closed,
      ),
      {
        default: [],
        description:
          'Image services that glance-download takes from and clones go to, with the token of the user; others are asked from Keystone’s catalogue',
      },
    ),
    copiedProperties: Type.Array(Type.String({ minLength: 1 }), {
      default: ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'],
      description: 'Beginnings of the names of properties that glance-download copies',
    }),
    ...fetchSettings,
    decompress: Type.Boolean({
      default: false,
      description:
        'Unpack gzip, zstd, xz, bzip2, zip and lha, unless the container is declared as compressed',
    }),
    extractAppliances: Type.Boolean({
      default: false,
      description: 'Take the disk out of OVF appliances (ova); tasks of type import always do',
    }),
    ovfProperties: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Elements of CIM_ProcessorAllocationSettingData in their descriptors that become properties `cim_pasd_…`',
    }),
    convertTo: formatSetting(
      'Format that imported disks are converted to for stores that say nothing of their own; null: they stay as they are',
    ),
    compress: Type.Boolean({ default: false, description: 'Compress a qcow2 that is made by conversion' }),
    stripSnapshots: Type.Boolean({
      default: false,
      description: 'Take internal snapshots out of a qcow2: whoever downloads it would have them, too',
    }),
    unpackRatio: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: 500,
      description: 'How many times its size an image may take when it is unpacked or converted',
    }),
    injectProperties: Type.Record(Type.String({ pattern: '^.{1,255}$' }), Type.String(), {
      default: {},
      description: 'Properties that images get which others than administrators import',
    }),
    sandbox: Type.Enum(['bubblewrap', 'none'], {
      default: 'bubblewrap',
      description:
        'Where programs open what users send; none: with limits only, for servers that are shut in themselves',
    }),
  },
  { ...closed, default: {} },
);

const ExportSettings = Type.Object(fetchRules('that images may be sent to'), { ...closed, default: {} });

const CacheSettings = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description: 'Keep copies of images that are downloaded on a disk of this node',
    }),
    maxSize: Type.Union(
      [Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[1-9][0-9]*([KMGT]iB)?$' })],
      {
        default: '10GiB',
        description: 'What the copies may take together: bytes, or a number with KiB, MiB, GiB or TiB',
      },
    ),
    path: nullable('Folder of the copies, of no other node; null: `cache` in the data directory'),
    nodeUrl: Type.Union([Type.String({ pattern: '^https?://' }), Type.Null()], {
      default: null,
      description: 'URL at which operators reach this node; null: made from the host’s name and the port',
    }),
  },
  { ...closed, default: {} },
);

const OffloadSettings = Type.Object(
  {
    header: Type.Enum(['none', 'X-Accel-Redirect', 'X-Sendfile'], {
      default: 'none',
      description:
        'How a web server in front is told to send a file itself, when it is one of trustedProxies and asks for it by X-Sendfile-Type',
    }),
    prefix: Type.String({
      pattern: '^(/[A-Za-z0-9._~-]+)+$',
      default: '/_tintype',
      description: 'For X-Accel-Redirect: stands before the path of the file',
    }),
  },
  { ...closed, default: {} },
);

const hoursUntil = (hours: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 1_000_000, default: hours, description: `${description}; 0: never` });

const UpkeepSettings = Type.Object(
  {
    queuedHours: hoursUntil(720, 'Hours after which an image that no data came for is given up'),
    stagedHours: hoursUntil(168, 'Hours after which an image whose staged data is not imported is given up'),
    stuckHours: hoursUntil(
      24,
      'Hours after which an image is given up that is saving or importing, but nobody is at it',
    ),
    killedHours: hoursUntil(168, 'Hours after which an image that was given up is deleted'),
    actionHours: hoursUntil(
      48,
      'Hours after which an import of /v2/image-imports, an export or a clone that has ended is forgotten',
    ),
    eventHours: hoursUntil(168, 'Hours after which an event is forgotten, told or not'),
    eventCount: Type.Integer({
      minimum: 0,
      default: 1_000_000,
      description: 'Events kept at most: the oldest are forgotten, told or not; 0: no limit',
    }),
  },
  { ...closed, default: {} },
);

const EventSettings = Type.Object(
  {
    maxListeners: Type.Integer({
      minimum: 0,
      maximum: 100_000,
      default: 200,
      description: 'Clients that may listen to the events of this process at a time',
    }),
    webhooks: Type.Array(webhookSettings, {
      maxItems: 100,
      default: [],
      description: 'Who is told of events by HTTP',
    }),
    amqp: optionally(amqpSettings, 'The message broker that notifications are published to'),
  },
  { ...closed, default: {} },
);

const FlowSettings = Type.Object(
  {
    perWorker: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 8,
      description: 'Flows that one worker runs at a time',
    }),
    perProject: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 4,
      description: 'Flows of one project that run at a time, on all workers',
    }),
    total: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'Flows that run at a time on all workers; null: no limit but those of the workers',
    }),
    stallTimeout: Type.Integer({
      minimum: 5,
      default: 120,
      description: 'Seconds without progress after which a step is ended and made again',
    }),
    keepHours: Type.Integer({
      minimum: 1,
      default: 168,
      description: 'Hours that flows which have ended can be looked at',
    }),
  },
  { ...closed, default: {} },
);

export const configSchema = Type.Object(
  {
    listen: Type.String({
      pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^:\\s]+):[0-9]{1,5}$',
      default: '127.0.0.1:9292',
      description: 'Address and port',
    }),
    publicEndpoint: Type.Union([Type.String({ pattern: '^https?://' }), Type.Null()], {
      default: null,
      description: 'URL that clients use; null: built from the request',
    }),
    trustedProxies: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'Addresses and networks (CIDR) of proxies whose X-Forwarded-* headers count',
    }),
    offload: OffloadSettings,
    cors: Type.Object(
      {
        origins: Type.Array(Type.String({ pattern: '^(\\*|https?://[^/]+)$' }), {
          default: [],
          description: 'Origins whose browsers may call the API; *: any',
        }),
      },
      { ...closed, default: {} },
    ),
    withdrawnFile: nullable(
      'While there is a file of this name /healthcheck answers 503, so that load balancers send nothing more',
    ),
    dataDir: Type.String({
      minLength: 1,
      default: './tintype-data',
      description: 'Embedded database, admin token and the default file store',
    }),
    database: Type.Object(
      {
        url: nullable('postgresql://… of PostgreSQL 14 or newer; null: embedded in the data directory'),
        poolSize: Type.Integer({
          minimum: 2,
          maximum: 1000,
          default: 16,
          description: 'Connections at most, at most a fifth of them for lists',
        }),
      },
      { ...closed, default: {} },
    ),
    identity: IdentitySettings,
    policy: Type.Object(
      {
        file: nullable(
          'YAML or JSON: rule name → rule, what differs from the defaults; re-read when it changes',
        ),
        propertyProtections: nullable('Property protection file; re-read when it changes'),
        propertyProtectionFormat: Type.Enum(['roles', 'policies'], {
          default: 'roles',
          description: 'Whether the file names roles or policy rules',
        }),
      },
      { ...closed, default: {} },
    ),
    quotas: Type.Object(
      {
        source: Type.Enum(['none', 'file', 'keystone'], {
          default: 'none',
          description: 'Where the quotas of projects come from; keystone: unified limits',
        }),
        file: nullable('For source file: YAML with `default` and `projects`; re-read when it changes'),
        serviceType: text('For source keystone: our type in the service catalogue', 'image'),
      },
      { ...closed, default: {} },
    ),
    stores: Type.Array(StoreSettings, {
      minItems: 1,
      default: [{ id: 'local', type: 'file' }],
      description: 'Where bytes live; the first is the default unless defaultStore says otherwise',
    }),
    defaultStore: nullable('Id of the store for uploads that name none'),
    staging: StagingSettings,
    images: ImageSettings,
    signatures: SignatureSettings,
    import: ImportSettings,
    export: ExportSettings,
    cache: CacheSettings,
    flows: FlowSettings,
    events: EventSettings,
    upkeep: UpkeepSettings,
    shutdownGrace: Type.Integer({
      minimum: 0,
      default: 30,
      description: 'Seconds that uploads and downloads get to finish when the server stops',
    }),
    log: Type.Object(
      {
        level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error'], {
          default: 'info',
          description: 'Least level',
        }),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
);

export type Config = Static<typeof configSchema>;
