/** Old words to new ones and back, without a server: nothing is lost, and nothing is said that was not meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultContainerFormats, defaultDiskFormats, imageSchema } from '@tintype/contract';
import fc from 'fast-check';
import { VocabularyError } from '../errors.ts';
import type { Image } from '../image.ts';
import type { PatchOperation } from '../update-image.ts';
import { baseNames } from './base-names.ts';
import { changeOperations } from './changes.ts';
import { creationOf } from './creation.ts';
import type { OldImageAttributes, OldProperties } from './old-image.ts';
import { listRequest, type OldImageFilters, type OldImageQuery } from './old-query.ts';
import { toNewWords } from './to-new.ts';
import { toOldImage } from './to-old.ts';

const schema = imageSchema(defaultDiskFormats, defaultContainerFormats);
const isBase = baseNames(schema);

/** What a server makes of a creation. */
function imageOf(attributes: Record<string, unknown>): Image {
  const set = {
    id: '11111111-2222-4333-8444-555555555555',
    status: 'queued',
    visibility: 'shared',
    protected: false,
    os_hidden: false,
    owner: 'demo',
    min_disk: 0,
    min_ram: 0,
    tags: [],
    size: null,
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
  };
  return { ...set, ...attributes } as unknown as Image;
}

/** What a server makes of a patch. */
function patched(image: Image, operations: readonly PatchOperation[]): Image {
  const record = new Map(Object.entries(image));
  for (const operation of operations) {
    const name = operation.path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
    if (operation.op === 'remove') assert.ok(record.delete(name), name);
    else record.set(name, operation.value);
  }
  return Object.fromEntries(record) as unknown as Image;
}

const propertyName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((name) => !isBase(name) && !/^(kernel_id|ramdisk_id|mappings|block_device_mapping)$/.test(name));
const member = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const mapping = fc.array(fc.dictionary(fc.string(), member, { noNullPrototype: true }));
/** Properties that the old vocabulary gives and gets in the same form. */
const properties = fc
  .tuple(
    fc.dictionary(propertyName, fc.string(), { noNullPrototype: true }),
    fc.record(
      { block_device_mapping: mapping, mappings: mapping, kernel_id: fc.uuid(), bdm_v2: fc.constant('True') },
      { requiredKeys: [], noNullPrototype: true },
    ),
  )
  .map(([free, known]) => ({ ...free, ...known }) as OldProperties);
const attributes = fc.record(
  {
    name: fc.option(fc.string()),
    is_public: fc.boolean(),
    owner: fc.string(),
    disk_format: fc.constantFrom(...defaultDiskFormats),
    container_format: fc.constantFrom(...defaultContainerFormats),
    min_disk: fc.nat(),
    min_ram: fc.nat(),
    protected: fc.boolean(),
    properties,
  },
  { requiredKeys: ['properties'], noNullPrototype: true },
);

function creation(old: OldImageAttributes): Image {
  return imageOf(creationOf(toNewWords(old, isBase), undefined, false));
}

test('what is created in old words reads in old words as it was given', () => {
  fc.assert(
    fc.property(attributes, (old) => {
      const record = toOldImage(creation(old), isBase);
      for (const [name, value] of Object.entries(old))
        assert.deepEqual(record[name as keyof typeof record], value, name);
    }),
  );
});

test('a record that is given back changes nothing, whatever the visibility', () => {
  const visibility = fc.constantFrom('public', 'private', 'shared', 'community');
  const more = { os_glance_importing_to_stores: '', os_glance_import_task: 'x', kernel_id: null };
  fc.assert(
    fc.property(attributes, visibility, fc.boolean(), (old, seen, purge) => {
      const image = { ...creation(old), ...more, visibility: seen };
      const given = toNewWords(toOldImage(image, isBase), isBase);
      assert.deepEqual(changeOperations(image, given, purge, isBase), []);
    }),
  );
});

test('purged, an image has the properties given; otherwise it has these too', () => {
  fc.assert(
    fc.property(properties, properties, fc.boolean(), (before, given, purge) => {
      const image = creation({ properties: before });
      const operations = changeOperations(image, toNewWords({ properties: given }, isBase), purge, isBase);
      const after = toOldImage(patched(image, operations), isBase).properties;
      assert.deepEqual(after, purge ? given : { ...before, ...given });
    }),
  );
});

test('"not public" says nothing against sharing, "public" says all', () => {
  const cases = [
    ['public', false, 'private'],
    ['shared', false, undefined],
    ['community', 'False', undefined],
    ['private', 0, undefined],
    ['shared', 'true', 'public'],
    ['public', 1, undefined],
  ] as const;
  for (const [visibility, is_public, becomes] of cases) {
    const words = toNewWords({ is_public } as OldImageAttributes, isBase);
    const [operation] = changeOperations(imageOf({ visibility }), words, false, isBase);
    assert.equal(operation?.op === 'replace' ? operation.value : undefined, becomes, visibility);
  }
});

test('data on its way is being saved, whichever way it takes', () => {
  const told = (status: string) => toOldImage(imageOf({ status }), isBase).status;
  for (const status of ['saving', 'uploading', 'importing']) assert.equal(told(status), 'saving');
  for (const status of ['queued', 'active', 'deactivated', 'killed']) assert.equal(told(status), status);
});

test('a record has the old members and no others, and base names of the server are no properties', () => {
  const newer = baseNames({
    properties: { ...schema.properties, os_future: {}, os_plain: { is_base: false } },
  });
  const record = toOldImage(
    imageOf({
      stores: 'a,b',
      direct_url: 'x',
      os_future: 'x',
      os_plain: 'y',
      os_distro: 'debian',
      tags: ['t'],
    }),
    newer,
  );
  assert.deepEqual(record.properties, { os_plain: 'y', os_distro: 'debian' });
  assert.deepEqual(Object.keys(record).sort(), [
    ...['checksum', 'container_format', 'created_at', 'deleted', 'deleted_at', 'disk_format', 'id'],
    ...['is_public', 'min_disk', 'min_ram', 'name', 'owner', 'properties', 'protected', 'size', 'status'],
    ...['updated_at', 'virtual_size'],
  ]);
  assert.deepEqual([record.size, record.deleted, record.deleted_at, record.name], [0, false, null, null]);
});

test('values become the text that services write, and unset references are left out', () => {
  const image = creation({
    min_disk: '2',
    min_ram: ' 64 ',
    protected: 'True',
    properties: {
      bdm_v2: true,
      auto_disk_config: false,
      ratio: 1.5,
      kernel_id: ' None ',
      ramdisk_id: '',
      absent: null,
      mappings: '[ {"virtual": "ami"} ]',
      block_device_mapping: [{ device_name: '/dev/vda', volume_size: 1 }],
    },
  });
  assert.deepEqual([image.min_disk, image.min_ram, image.protected], [2, 64, true]);
  const texts = Object.fromEntries(Object.entries(image).filter(([name]) => !isBase(name)));
  assert.deepEqual(texts, {
    bdm_v2: 'True',
    auto_disk_config: 'False',
    ratio: '1.5',
    mappings: '[ {"virtual": "ami"} ]',
    block_device_mapping: '[{"device_name":"/dev/vda","volume_size":1}]',
  });
  const { properties: read } = toOldImage(imageOf({ ...texts, block_device_mapping: 'no JSON' }), isBase);
  assert.deepEqual([read.mappings, read.block_device_mapping], [[{ virtual: 'ami' }], 'no JSON']);
});

test('what cannot be told in new words is refused by its name', () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ properties: { visibility: 'public' } }, /"visibility" is an attribute/],
    [{ properties: { owner: 'root' } }, /"owner" is an attribute/],
    [{ properties: { stores: 'x' } }, /"stores" is an attribute/],
    [{ properties: { os_distro: { deep: true } } }, /property "os_distro" is neither text/],
    [{ properties: { ratio: Number.NaN } }, /property "ratio"/],
    [{ visibility: 'shared' }, /say is_public/],
    [{ location: 'http://host/disk', copy_from: 'http://host/disk' }, /give one, "location" or "copy_from"/],
    [{ location: 'http://host/disk', store: 'fast' }, /takes no "store"/],
    [{ copy_from: 'http://host/disk', size: 5 }, /fetched later/],
    [{ os_distro: 'debian' }, /takes no "os_distro" here: put .* into properties/],
    [{ constructor: 'x' }, /takes no "constructor" here: put .* into properties/],
    [{ is_public: 'perhaps' }, /is_public is neither true nor false: "perhaps"/],
    [{ min_ram: -1 }, /min_ram is no whole number/],
    [{ min_disk: '1e3' }, /min_disk is no whole number/],
    [{ size: 2 ** 53 }, /size is no whole number/],
  ];
  for (const [old, message] of cases)
    assert.throws(
      () => toNewWords(old as OldImageAttributes, isBase),
      (thrown: Error) => {
        assert.ok(thrown instanceof VocabularyError);
        assert.match(thrown.message, message);
        return true;
      },
    );
  const passedOver = {
    status: 'active',
    created_at: 'x',
    deleted: false,
    location: null,
    copy_from: undefined,
  };
  const { attributes: none, source } = toNewWords(passedOver as OldImageAttributes, isBase);
  assert.deepEqual([none, source], [{}, null]);
});

test('a list is asked for in new words', () => {
  const asked = (query: OldImageQuery) => {
    const { limit: _, ...rest } = listRequest(query, isBase).query;
    return rest;
  };
  const filtered = (filters: OldImageFilters) => {
    const { properties: { ...found } = {}, ...rest } = asked({ filters });
    return { ...rest, ...found };
  };
  const cases: [OldImageFilters, Record<string, unknown>][] = [
    [{ name: 'in:x' }, { name: 'in:"in:x"' }],
    [{ is_public: true }, { visibility: 'public' }],
    [{ is_public: 'None' }, {}],
    [{ status: 'saving' }, { status: 'in:saving,uploading,importing' }],
    [{ is_public: null, status: undefined }, {}],
    [{ 'changes-since': '2026-01-02T03:04:05' }, { updated_at: 'gte:2026-01-02T03:04:05Z' }],
    [
      { 'changes-since': '2026-01-02 03:04:05.678901+02:00' },
      { updated_at: 'gte:2026-01-02T03:04:05.678901+02:00' },
    ],
    [{ 'changes-since': '2026-01-02' }, { updated_at: 'gte:2026-01-02T00:00Z' }],
    [{ 'changes-since': new Date(0) }, { updated_at: 'gte:1970-01-01T00:00:00.000Z' }],
    [
      { size_min: '10', size_max: 20, min_ram: 1, min_disk: '2' },
      { size_min: 10, size_max: 20, min_ram: 1, min_disk: 2 },
    ],
    [
      { status: 'active', owner: 'p', disk_format: 'raw' },
      { status: 'active', owner: 'p', disk_format: 'raw' },
    ],
    [{ protected: 'True', deleted: false }, { protected: true }],
    // A name that begins with letters of the prefix stays whole.
    [
      { 'property-type': 'a', 'property-property-x': 'b' },
      { type: 'a', 'property-x': 'b' },
    ],
    [
      { instance_uuid: 'i', 'property-bdm_v2': true },
      { instance_uuid: 'i', bdm_v2: 'True' },
    ],
  ];
  for (const [filters, expected] of cases) assert.deepEqual(filtered(filters), expected);
  assert.equal(asked({ sort_key: 'name' }).sort, 'name:desc');
  assert.equal(asked({ sort_dir: 'asc' }).sort, 'created_at:asc');
  assert.equal(asked({ marker: 'm' }).marker, 'm');
  assert.equal(asked({}).sort, undefined);
});

test('pages are as large as asked for, and never larger than needed', () => {
  const page = (query: OldImageQuery) => listRequest(query, isBase).query.limit;
  assert.deepEqual(
    [
      page({}),
      page({ limit: 5 }),
      page({ limit: 5, page_size: 2 }),
      page({ limit: 5, filters: { is_public: false } }),
    ],
    [200, 5, 2, 200],
  );
});

test('filters without a counterpart are refused by their name', () => {
  const cases: [OldImageFilters, RegExp][] = [
    [{ deleted: true }, /lists no deleted images/],
    [{ is_public: 'perhaps' }, /is_public/],
    [{ 'changes-since': 'yesterday' }, /changes-since is no ISO 8601 time: yesterday/],
    [{ 'changes-since': new Date(Number.NaN) }, /changes-since/],
    [{ size_min: 'much' }, /size_min/],
    [{ 'property-name': 'x' }, /"property-name"/],
    [{ 'property-limit': '1' }, /"property-limit"/],
    [{ 'property-': 'x' }, /"property-"/],
    [{ visibility: 'shared' }, /"visibility" here: ask through ImageClient/],
  ];
  for (const [filters, message] of cases)
    assert.throws(() => listRequest({ filters }, isBase), { name: 'VocabularyError', message });
});
