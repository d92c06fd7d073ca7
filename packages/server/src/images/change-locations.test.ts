/** Locations by PATCH: what is accepted, what is refused and why, and what becomes of the bytes (API section 3). */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { Failure } from '../base/failure.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import { type Caller, createCaller } from '../identity/caller.ts';
import { activeLocations } from '../locations/location-records.ts';
import { openPolicy } from '../policy/policy.ts';
import { openProtections } from '../policy/property-protections.ts';
import { unlimited } from '../policy/quotas.ts';
import { collect, stream } from '../stores/contract/bytes.ts';
import { openFileStore } from '../stores/file/file.ts';
import { openedStores } from '../stores/registry.ts';
import type { Store } from '../stores/store.ts';
import { changeImage } from './change.ts';
import { createImage } from './create.ts';
import { deleteImage } from './delete.ts';
import { findReadable, openData } from './download.ts';
import type { ImageParts } from './parts.ts';
import { RunningUploads } from './running-uploads.ts';
import type { ShownImage } from './shown.ts';
import { noCertificates } from './signing/sources/source.ts';

const log = createLog('silent');
const project = { userId: 'u', projectId: 'mine' };
const owner = createCaller({ ...project, roles: ['member'] });
const service = createCaller({ ...project, roles: ['member', 'service'] });
const admin = createCaller({ ...project, roles: ['admin'] });
const formats = { disk_format: 'raw', container_format: 'bare' };

let own: TestDatabase;
let folder: string;
let database: Database;
let parts: Omit<ImageParts, 'session'>;
/** What the rest of the world holds, by URL. */
const web = new Map<string, Buffer>([
  ['https://one.example/image', Buffer.alloc(100, 1)],
  ['https://two.example/image', Buffer.alloc(100, 2)],
  ['https://long.example/image', Buffer.alloc(101, 3)],
  ['https://empty.example/image', Buffer.alloc(0)],
  ['https://huge.example/image', Buffer.alloc(2000, 4)],
]);
let pool: Store;

/** A store of what others keep. */
function webStore(): Store {
  const found = (key: string) => {
    const data = web.get(key);
    if (data === undefined) throw new Failure('store_unavailable', `Nothing at ${key}.`);
    return data;
  };
  return {
    id: 'web',
    type: 'web',
    weight: 5,
    description: null,
    readOnly: true,
    put: async () => assert.fail('nothing is put into a read-only store'),
    async get(key, range) {
      const data = found(key);
      return (async function* () {
        yield data.subarray(range?.first ?? 0, (range?.last ?? data.length - 1) + 1);
        return undefined;
      })() as AsyncIterableIterator<Uint8Array, undefined>;
    },
    stat: async (key) => ({ size: found(key).length }),
    delete: async () => {},
    async *list() {},
    urlOf: (key) => key,
    keyOf: (url) => (/^https?:\/\//.test(url) ? url : null),
    close: async () => {},
  };
}

/** A file store that other services write into, and name objects of. */
function poolStore(files: Store): Store {
  return {
    id: 'pool',
    type: 'pool',
    weight: 0,
    description: null,
    put: (key, body, signal) => files.put(key, body, signal),
    get: (key, range) => files.get(key, range),
    stat: (key) => files.stat(key),
    delete: (key) => files.delete(key),
    list: () => files.list(),
    urlOf: (key) => `pool://here/${key}`,
    keyOf: (url) => /^pool:\/\/here\/([\w.-]+)$/.exec(url)?.[1] ?? null,
    close: () => files.close(),
  };
}

before(async () => {
  own = await testDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-locations-'));
  database = await connect(own.config, { max: 4, applicationName: 'test', log });
  const store = (id: string) => openFileStore({ id, type: 'file', path: path.join(folder, id) });
  pool = poolStore(await store('pool'));
  const policy = openPolicy(null, log);
  parts = {
    database,
    stores: openedStores([await store('local'), webStore(), pool]),
    policy,
    protections: openProtections(null, 'roles', policy, log),
    signatures: { required: false, certificates: noCertificates, trusted: null },
    quotas: { enabled: true, of: async () => ({ ...unlimited, image_size_total: 1 }) },
    uploads: new RunningUploads(),
    log,
    settings: {
      formats: { disk: ['raw', 'qcow2'], container: ['bare'] },
      limits: { maxProperties: 128, maxTags: 128, maxLocations: 3 },
      sizeCap: 1000,
      hashAlgorithm: 'sha512',
      legacyMd5: true,
      requireFormatMatch: true,
      showDirectUrl: true,
      showMultipleLocations: true,
      limitDefault: 25,
      limitMax: 1000,
    },
  };
});
after(async () => {
  await parts.stores.close();
  await database.close();
  await own.close();
  await rm(folder, { recursive: true, force: true });
});

type Operation = { op: string; path: string; value?: unknown };

function patch(id: string, body: Operation[], caller: Caller = owner, more = {}): Promise<ShownImage> {
  return changeImage({ ...parts, ...more }, caller, { id, body, form: 'v2.1', precondition: () => true });
}

const add = (url: string, at = '-', more = {}) => ({
  op: 'add',
  path: `/locations/${at}`,
  value: { url, metadata: {}, ...more },
});
const remove = (at: string) => ({ op: 'remove', path: `/locations/${at}` });
const replace = (...value: unknown[]) => ({ op: 'replace', path: '/locations', value });
const one = 'https://one.example/image';
const two = 'https://two.example/image';

async function queued(fields = {}): Promise<string> {
  return (await createImage(parts, owner, { ...formats, ...fields })).id;
}

async function located(...urls: string[]): Promise<string> {
  const id = await queued();
  await patch(
    id,
    urls.map((url) => add(url)),
    service,
  );
  return id;
}

/** The patch is refused so, and has changed nothing. */
async function refused(
  id: string,
  body: Operation[],
  code: string,
  caller: Caller = owner,
  more = {},
): Promise<void> {
  const state = async () => [await patch(id, [], admin), await activeLocations(database.db, id)];
  const before = await state();
  await assert.rejects(patch(id, body, caller, more), (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code, error.message);
    // What was offered is a secret of its owner's.
    assert.doesNotMatch(error.message, /:\/\/(?!host\/path)/);
    return true;
  });
  assert.deepEqual(await state(), before);
}

const urls = ({ locations }: ShownImage) => locations?.map(({ url }) => url);

test('the first location makes a queued image active', async () => {
  const id = await queued();
  const image = await patch(id, [add(one, '-', { metadata: { rack: '7' } })]);
  assert.equal(image.status, 'active');
  assert.equal(image.size, 100);
  assert.equal(image.checksum, null);
  assert.deepEqual(image.locations, [{ url: one, metadata: { rack: '7', store: 'web' } }]);
  assert.equal(image.direct_url, one);
  assert.equal(image.stores, 'web');
  const data = await openData(parts, owner, (await findReadable(parts, owner, id))!, null, []);
  assert.deepEqual(await collect(data), web.get(one));
  await refused(id, [{ op: 'replace', path: '/disk_format', value: 'qcow2' }], 'formats_fixed');
});

test('what the client knows of the data is recorded with the first location', async () => {
  const known = { checksum: 'a'.repeat(32), os_hash_algo: 'sha256', os_hash_value: 'B'.repeat(64) };
  const id = await queued();
  const image = await patch(id, [add(one, '-', { validation_data: known })]);
  assert.equal(image.os_hash_algo, 'sha256');
  assert.equal(image.os_hash_value, 'b'.repeat(64));
  assert.equal(image.checksum, 'a'.repeat(32));
  await patch(id, [add(two, '-', { validation_data: known })]);
  const other = { ...known, os_hash_value: 'c'.repeat(64) };
  await refused(id, [add('https://three.example/', '-', { validation_data: other })], 'invalid_location');
  web.set('https://three.example/', Buffer.alloc(100));
  await refused(id, [add('https://three.example/', '-', { validation_data: other })], 'validation_conflict');
  await refused(await located(one), [add(two, '-', { validation_data: known })], 'validation_conflict');
});

test('validation data that is none is refused', async () => {
  const id = await queued();
  for (const validation_data of [
    {},
    { os_hash_algo: 'sha512' },
    { os_hash_value: 'aa' },
    { os_hash_algo: 'sha512', os_hash_value: 'a'.repeat(127) },
    { os_hash_algo: 'sha512', os_hash_value: 'x'.repeat(128) },
    { os_hash_algo: 'crc32', os_hash_value: 'a'.repeat(8) },
    { os_hash_algo: 'constructor', os_hash_value: '' },
    { os_hash_algo: 'sha1', os_hash_value: 'a'.repeat(40), checksum: 'a' },
    { os_hash_algo: 'sha1', os_hash_value: 'a'.repeat(40), size: 5 },
  ])
    await refused(id, [add(one, '-', { validation_data })], 'invalid_attribute');
});

test('locations go where the path says, and come back in that order', async () => {
  const id = await located(one);
  web.set('https://first.example/', Buffer.alloc(100));
  assert.deepEqual(urls(await patch(id, [add(two), add('https://first.example/', '0')])), [
    'https://first.example/',
    one,
    two,
  ]);
  for (const at of ['4', '-1', 'x', '1.0', '01x', '9999999999'])
    await refused(id, [add(one, at)], 'invalid_patch');
  for (const at of ['3', '-2', 'x']) await refused(id, [remove(at)], 'invalid_patch', admin);
  assert.deepEqual(urls(await patch(id, [remove('-')], admin)), ['https://first.example/', one]);
  assert.deepEqual(urls(await patch(id, [remove('0')], admin)), [one]);
});

test('the last location stays: an image never goes back to queued (OSSA-2016-006)', async () => {
  const id = await located(one);
  await refused(id, [remove('0')], 'last_location', admin);
  await refused(id, [replace()], 'last_location', admin);
  await refused(id, [add(two), remove('0'), remove('0')], 'last_location', admin);
  await refused(await queued(), [replace()], 'last_location', admin);
});

test('replacing sets the locations of a queued image, and describes those of an active one anew', async () => {
  const id = await queued();
  const image = await patch(id, [replace({ url: one, metadata: {} }, { url: two, metadata: {} })]);
  assert.deepEqual([image.status, urls(image)], ['active', [one, two]]);
  const described = await patch(id, [replace({ url: two, metadata: { a: 'b' } }, { url: one })]);
  assert.deepEqual(described.locations, [
    { url: two, metadata: { a: 'b', store: 'web' } },
    { url: one, metadata: { store: 'web' } },
  ]);
  for (const value of [
    [{ url: one }],
    [{ url: one }, { url: one }],
    [{ url: one }, { url: two }, { url: two }],
  ])
    await refused(id, [replace(...value)], 'invalid_location');
  await refused(id, [{ op: 'replace', path: '/locations', value: { url: one } }], 'invalid_attribute');
});

test('paths that are not those of locations are refused', async () => {
  const id = await located(one);
  for (const [op, path] of [
    ['add', '/locations'],
    ['remove', '/locations'],
    ['replace', '/locations/0'],
    ['add', '/locations/0/url'],
    ['remove', '/locations/0/metadata'],
  ] as const)
    await refused(id, [{ op, path, value: { url: two } }], 'invalid_patch');
});

test('URLs of files, of unknown places and with credentials are refused (OSSA-2014-041, OSSA-2015-002)', async () => {
  const id = await queued();
  const local = parts.stores.byId('local')!;
  await local.put('secret', stream(1, 100));
  for (const url of [
    local.urlOf!('secret'),
    'file:///etc/passwd',
    'FILE:///etc/passwd',
    'filesystem:///etc/passwd',
    'swift+config://ref/container/object',
    'ftp://one.example/image',
    'rbd://a/b/c/d',
    'pool://elsewhere/x',
    'https://user:password@one.example/image',
    'https://user@one.example/image',
    'https://one.example/\u0000',
    'https://one.example/a b',
    'https:one.example/image',
    '//one.example/image',
    '/etc/passwd',
    'x',
    `https://one.example/${'x'.repeat(240)}`,
  ])
    for (const caller of [owner, admin]) await refused(id, [add(url)], 'invalid_location', caller);
  for (const value of [null, 'x', 5, [], {}, { url: 5 }, { url: '' }, { url: one, metadata: { a: 1 } }])
    await refused(id, [{ op: 'add', path: '/locations/-', value }], 'invalid_attribute');
  await refused(id, [add(one, '-', { status: 'active' })], 'invalid_attribute');
  await refused(id, [add(one, '-', { metadata: { store: 'local' } })], 'invalid_location');
});

test('what cannot be read, is empty or has another size is refused', async () => {
  const id = await queued();
  await refused(id, [add('https://none.example/')], 'invalid_location');
  await refused(id, [add('https://empty.example/image')], 'invalid_location');
  await refused(id, [add('https://huge.example/image')], 'size_cap');
  await refused(id, [add(one), add('https://long.example/image')], 'invalid_location');
  await refused(id, [add(one), add(one)], 'invalid_location');
  await patch(id, [add(one)]);
  await refused(id, [add('https://long.example/image')], 'invalid_location');
  await refused(id, [add(one)], 'invalid_location');
  await refused(await queued({ disk_format: null }), [add(one)], 'formats_unset');
});

test('limits hold: locations an image, bytes a project', async () => {
  web.set('https://three.example/', Buffer.alloc(100));
  web.set('https://four.example/', Buffer.alloc(100));
  const id = await located(one, two, 'https://three.example/');
  await refused(id, [add('https://four.example/')], 'quota_locations');
  const many = Array.from({ length: 4 }, (_, index) => add(`https://many.example/${index}`));
  await refused(await queued(), many, 'quota_locations');
  const small = { quotas: { enabled: true, of: async () => ({ ...unlimited, image_size_total: 0 }) } };
  await refused(await queued(), [add(one)], 'quota_exceeded', owner, small);
});

test('only services and administrators name data in the stores of the server (OSSN-0090)', async () => {
  await pool.put('written-by-compute', stream(1, 100));
  const url = pool.urlOf!('written-by-compute');
  const id = await queued();
  await refused(id, [add(url)], 'forbidden');
  const image = await patch(id, [add(url)], service);
  assert.deepEqual(image.locations, [{ url, metadata: { store: 'pool' } }]);
  for (const caller of [service, admin]) {
    const other = await queued();
    await refused(other, [add(url)], 'invalid_location', caller);
  }
  await deleteImage(parts, owner, { id, precondition: () => true });
  await assert.rejects(pool.stat('written-by-compute'), { code: 'not_found' });
});

test('of two images that claim the same data at once one gets it', async () => {
  await pool.put('claimed', stream(1, 100));
  const ids = [await queued(), await queued(), await queued()];
  const claims = ids.map((id) => patch(id, [add(pool.urlOf!('claimed'))], service));
  const settled = await Promise.allSettled(claims);
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('removing a location removes the bytes that are ours, and leaves those of others', async () => {
  await pool.put('replica', stream(1, 100));
  const id = await located(one, pool.urlOf!('replica'));
  await refused(id, [remove('1')], 'forbidden', owner);
  await patch(id, [remove('1')], admin);
  await assert.rejects(pool.stat('replica'), { code: 'not_found' });
  await deleteImage(parts, owner, { id, precondition: () => true });
  assert.ok(web.has(one));
});

test('the rest of a patch counts with its locations, or nothing of it does', async () => {
  const id = await queued();
  await refused(id, [add(one), { op: 'replace', path: '/owner', value: 'other' }], 'forbidden');
  const image = await patch(id, [{ op: 'add', path: '/flavour', value: 'sweet' }, add(one)]);
  assert.equal(image.status, 'active');
  assert.equal(image.properties.flavour, 'sweet');
});

test('images in other statuses keep their locations', async () => {
  const id = await located(one);
  await database.db.updateTable('images').set({ status: 'deactivated' }).where('id', '=', id).execute();
  await refused(id, [add(two)], 'status_conflict', admin);
  await refused(id, [remove('0')], 'status_conflict', admin);
  await refused(await queued(), [remove('0')], 'status_conflict', admin);
});

test('a server that does not show locations takes none', async () => {
  const hidden = { settings: { ...parts.settings, showMultipleLocations: false } };
  const id = await queued();
  for (const operation of [add(one), remove('0'), replace(), replace({ url: one })])
    await refused(id, [operation], 'forbidden', admin, hidden);
});

test('data that has changed where it is kept is not served as if it had not', async () => {
  const url = 'https://changing.example/';
  web.set(url, Buffer.alloc(100));
  const id = await located(url);
  const image = (await findReadable(parts, owner, id))!;
  for (const length of [99, 101]) {
    web.set(url, Buffer.alloc(length));
    await assert.rejects(async () => collect(await openData(parts, owner, image, null, [])), {
      code: 'store_unavailable',
    });
  }
});

test('the heaviest store is read first, then the others', async () => {
  await pool.put('both', stream(1, 100));
  const id = await located(pool.urlOf!('both'), two);
  const shown = await patch(id, []);
  assert.equal(shown.direct_url, two);
  const image = (await findReadable(parts, owner, id))!;
  const read = async (preferred: string[] = []) =>
    await collect(await openData(parts, owner, image, null, preferred));
  assert.deepEqual(await read(), web.get(two));
  assert.deepEqual(await read(['pool']), await collect(stream(1, 100)));
  const kept = web.get(two)!;
  web.delete(two);
  assert.deepEqual(await read(), await collect(stream(1, 100)));
  web.set(two, kept);
});
