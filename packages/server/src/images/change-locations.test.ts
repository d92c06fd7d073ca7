/** Locations by PATCH: what is accepted, what is refused and why, and what becomes of the bytes (API section 3). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Web } from '../../../../test/support/foreign-stores.ts';
import { openImageParts, type TestParts } from '../../../../test/support/image-parts.ts';
import { Failure } from '../base/failure.ts';
import { type Caller, createCaller } from '../identity/caller.ts';
import { activeLocations } from '../locations/location-records.ts';
import { unlimited } from '../policy/quotas.ts';
import { collect, stream } from '../stores/contract/bytes.ts';
import type { Store } from '../stores/store.ts';
import { changeImage } from './change.ts';
import { createImage } from './create.ts';
import { deleteImage } from './delete.ts';
import { findReadable, openData } from './download.ts';
import type { ImageParts } from './parts.ts';
import type { ShownImage } from './shown.ts';

const project = { userId: 'u', projectId: 'mine' };
const owner = createCaller({ ...project, roles: ['member'] });
const service = createCaller({ ...project, roles: ['member', 'service'] });
const admin = createCaller({ ...project, roles: ['admin'] });
const formats = { disk_format: 'raw', container_format: 'bare' };

let opened: TestParts;
let parts: ImageParts;
let web: Web;
let pool: Store;

before(async () => {
  opened = await openImageParts();
  ({ parts, web } = opened);
  pool = parts.stores.byId('pool')!;
  // What is found out in the background would change the records that these tests compare.
  await parts.checks.close();
  for (const [host, length] of Object.entries({ one: 100, two: 100, three: 100, four: 100, long: 101 }))
    web.set(`https://${host}.example/image`, Buffer.alloc(length, length));
  web.set('https://empty.example/image', Buffer.alloc(0));
  web.set('https://huge.example/image', Buffer.alloc(2000));
});
after(() => opened.close());

type Operation = { op: string; path: string; value?: unknown };

function patch(id: string, body: Operation[], caller: Caller = owner, more = {}): Promise<ShownImage> {
  return changeImage({ ...parts, ...more }, caller, {
    id,
    body,
    form: 'v2.1',
    precondition: () => true,
    requestId: 'req-test',
    token: null,
  });
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
  const state = async () => [await patch(id, [], admin), await activeLocations(parts.database.db, id)];
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
  const found = (await findReadable(parts, owner, id))!;
  const data = await openData(parts, owner, { image: found, derived: null }, null, []);
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
  await refused(
    id,
    [add('https://three.example/image', '-', { validation_data: other })],
    'validation_conflict',
  );
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
  const id = await located(one, two, 'https://three.example/image');
  await refused(id, [add('https://four.example/image')], 'quota_locations');
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
  await deleteImage(parts, owner, { id, precondition: () => true, token: null });
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
  await deleteImage(parts, owner, { id, precondition: () => true, token: null });
  assert.ok(web.has(one));
});

test('a location that was cloned stays, whatever else the patch has in it', async () => {
  await pool.put('cloned-replica', stream(1, 100));
  const cloned = pool.urlOf!('cloned-replica');
  const id = await located(one, cloned);
  const name = { op: 'replace', path: '/name', value: 'other' };
  await refused(id, [remove('1')], 'forbidden');
  await refused(id, [name, remove('1')], 'image_in_use', admin);
  await refused(id, [remove('0'), add(two), remove('0')], 'image_in_use', admin);
  await refused(id, [remove('0'), remove('0')], 'last_location', admin);
  assert.deepEqual(urls(await patch(id, [remove('0')], admin)), [cloned]);
  await refused(id, [add(two), remove('0')], 'image_in_use', admin);
  assert.deepEqual(await pool.stat('cloned-replica'), { size: 100 });
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
  await parts.database.db.updateTable('images').set({ status: 'deactivated' }).where('id', '=', id).execute();
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

test('the heaviest store is read first, then the others', async () => {
  await pool.put('both', stream(1, 100));
  const id = await located(pool.urlOf!('both'), two);
  const shown = await patch(id, []);
  assert.equal(shown.direct_url, two);
  const image = (await findReadable(parts, owner, id))!;
  const read = async (preferred: string[] = []) =>
    await collect(await openData(parts, owner, { image, derived: null }, null, preferred));
  assert.deepEqual(await read(), web.get(two));
  assert.deepEqual(await read(['pool']), await collect(stream(1, 100)));
  const kept = web.get(two)!;
  web.delete(two);
  assert.deepEqual(await read(), await collect(stream(1, 100)));
  web.set(two, kept);
});
