/** The JSON Schemas of images as clients read them from `/v2/schemas` (API section 10). */

/** Every status an image can have (API section 2). */
export const imageStatuses = [
  'queued',
  'saving',
  'uploading',
  'importing',
  'active',
  'deactivated',
  'pending_delete',
  'killed',
  'deleted',
] as const;
export type ImageStatus = (typeof imageStatuses)[number];

export const visibilities = ['public', 'private', 'shared', 'community'] as const;
export type Visibility = (typeof visibilities)[number];

export const defaultDiskFormats = [
  'ami',
  'ari',
  'aki',
  'vhd',
  'vhdx',
  'vmdk',
  'raw',
  'qcow2',
  'vdi',
  'iso',
  'ploop',
] as const;

export const defaultContainerFormats = [
  'ami',
  'ari',
  'aki',
  'bare',
  'ovf',
  'ova',
  'docker',
  'compressed',
] as const;

const uuidPattern = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$';
const nullableText = (maxLength: number, description: string) => ({
  type: ['null', 'string'],
  maxLength,
  description,
});
const readOnlyText = (description: string) => ({ type: 'string', readOnly: true, description });
const descriptive = (description: string) => ({ type: 'string', is_base: false, description });
const descriptiveId = (description: string) => ({
  type: ['null', 'string'],
  pattern: uuidPattern,
  is_base: false,
  description,
});

/** The attributes of every image record. */
function baseProperties(diskFormats: readonly string[], containerFormats: readonly string[]) {
  return {
    id: { type: 'string', pattern: uuidPattern, description: 'An identifier for the image' },
    name: nullableText(255, 'Descriptive name for the image'),
    status: { type: 'string', readOnly: true, enum: imageStatuses, description: 'Status of the image' },
    visibility: { type: 'string', enum: visibilities, description: 'Scope of image accessibility' },
    protected: { type: 'boolean', description: 'If true, image will not be deletable.' },
    os_hidden: {
      type: 'boolean',
      description: 'If true, image will not appear in default image list response.',
    },
    owner: nullableText(255, 'Owner of the image'),
    disk_format: {
      type: ['null', 'string'],
      enum: [null, ...diskFormats],
      description: 'Format of the disk',
    },
    container_format: {
      type: ['null', 'string'],
      enum: [null, ...containerFormats],
      description: 'Format of the container',
    },
    min_disk: {
      type: 'integer',
      minimum: 0,
      description: 'Amount of disk space (in GB) required to boot image.',
    },
    min_ram: { type: 'integer', minimum: 0, description: 'Amount of ram (in MB) required to boot image.' },
    tags: {
      type: 'array',
      items: { type: 'string', maxLength: 255 },
      description: 'List of strings related to the image',
    },
    size: { type: ['null', 'integer'], readOnly: true, description: 'Size of image file in bytes' },
    virtual_size: {
      type: ['null', 'integer'],
      readOnly: true,
      description: 'Virtual size of image in bytes',
    },
    checksum: { ...nullableText(32, 'md5 hash of image contents.'), readOnly: true },
    os_hash_algo: { ...nullableText(64, 'Algorithm to calculate the os_hash_value'), readOnly: true },
    os_hash_value: { ...nullableText(128, 'Hexdigest of the image contents'), readOnly: true },
    created_at: readOnlyText('Date and time of image registration'),
    updated_at: readOnlyText('Date and time of the last image modification'),
    self: readOnlyText('An image self url'),
    file: readOnlyText('An image file url'),
    schema: readOnlyText('An image schema url'),
  };
}

/** Names that services know; `is_base: false` keeps them properties for clients that sort by it. */
const descriptiveProperties = {
  kernel_id: descriptiveId('ID of image stored in the image service that should be used as the kernel.'),
  ramdisk_id: descriptiveId('ID of image stored in the image service that should be used as the ramdisk.'),
  instance_uuid: descriptive(
    'Metadata which can be used to record which instance this image is associated with.',
  ),
  architecture: descriptive('Operating system architecture as specified in the compute service.'),
  os_distro: descriptive('Common name of operating system distribution.'),
  os_version: descriptive('Operating system version as specified by the distributor.'),
  description: descriptive('A human-readable string describing this image.'),
  cinder_encryption_key_id: descriptive('Identifier of the secret that encrypts the image data.'),
  cinder_encryption_key_deletion_policy: descriptive('When the encryption key is deleted.'),
};

const text = { type: 'string' };
const validationData = {
  type: 'object',
  writeOnly: true,
  additionalProperties: false,
  properties: {
    checksum: { type: 'string', minLength: 32, maxLength: 32 },
    os_hash_algo: { type: 'string', maxLength: 64 },
    os_hash_value: { type: 'string', maxLength: 128 },
  },
  required: ['os_hash_algo', 'os_hash_value'],
  description: 'What the data is known to be: recorded with the first location of an image.',
};

/** What is said about where the bytes of an image are, each on some servers only. */
const placeProperties = {
  stores: readOnlyText('Stores that hold the image, comma separated'),
  direct_url: readOnlyText('URL of the image data in its store'),
  locations: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        url: { type: 'string', maxLength: 255 },
        metadata: { type: 'object', additionalProperties: text },
        validation_data: validationData,
      },
      required: ['url'],
    },
    description: 'URLs of the image data in its stores',
  },
};

/** The attributes of these that a server shows. */
export type ShownPlaces = Readonly<Record<keyof typeof placeProperties, boolean>>;

const noPlaces: ShownPlaces = { stores: false, direct_url: false, locations: false };

/** The document at `/v2/schemas/image` for a server that takes these formats and shows these places. */
export function imageSchema(
  diskFormats: readonly string[],
  containerFormats: readonly string[],
  shown: ShownPlaces = noPlaces,
) {
  const places = Object.entries(placeProperties).filter(([name]) => shown[name as keyof ShownPlaces]);
  return {
    name: 'image',
    properties: {
      ...baseProperties(diskFormats, containerFormats),
      ...Object.fromEntries(places),
      ...descriptiveProperties,
    },
    additionalProperties: { type: 'string' },
    links: [
      { rel: 'self', href: '{self}' },
      { rel: 'enclosure', href: '{file}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}

/** The document at `/v2/schemas/images`. */
export function imagesSchema(
  diskFormats: readonly string[],
  containerFormats: readonly string[],
  shown: ShownPlaces = noPlaces,
) {
  return {
    name: 'images',
    properties: {
      images: { type: 'array', items: imageSchema(diskFormats, containerFormats, shown) },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}
