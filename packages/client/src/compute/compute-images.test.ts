/** The image service of the old vocabulary against a real server: every word both ways. */
import assert from 'node:assert/strict';
import { createHash, getHashes, randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { as, startServer, type TestServer } from '../../../../test/support/server.ts';
import {
  ComputeImages,
  type CreateHasher,
  ImageClient,
  type OldImage,
  type OldImageAttributes,
  type OldImageQuery,
  VocabularyError,
} from '../index.ts';

let server: TestServer;
/** In project demo, in project other, and an administrator. */
let demo: ComputeImages;
let other: ComputeImages;
let admin: ComputeImages;
/** As demo, in the words of the API. */
let api: ImageClient;
const data = randomBytes(200_000);
const md5 = createHash('md5').update(data).digest('hex');
const raw = { disk_format: 'raw', container_format: 'bare' } as const;
const hashers: CreateHasher = (algorithm) => (getHashes().includes(algorithm) ? createHash(algorithm) : null);

/** A client as an authenticating proxy lets it through; `onRequest` may do something before a request is sent. */
function clientOf(project: string, role: string, onRequest?: (method: string) => Promise<void>): ImageClient {
  const identity = as(project, role);
  const send: typeof fetch = async (address, options) => {
    await onRequest?.(options?.method ?? 'GET');
    return await fetch(address, { ...options, headers: { ...(options?.headers as object), ...identity } });
  };
  return new ImageClient({ endpoint: server.url, fetch: send });
}

before(async () => {
  server = await startServer();
  api = clientOf('demo', 'member');
  demo = new ComputeImages(api);
  other = new ComputeImages(clientOf('other', 'member'));
  admin = new ComputeImages(clientOf('operators', 'admin'));
});
after(() => server.close());

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Ids of images that demo makes, each of a later time than the one before: the server keeps milliseconds. */
async function createInTurn(all: readonly OldImageAttributes[]): Promise<string[]> {
  const ids: string[] = [];
  for (const attributes of all) {
    ids.push((await demo.create(attributes)).id);
    for (const now = Date.now(); Date.now() <= now + 1; )
      await new Promise((resolve) => setImmediate(resolve));
  }
  return ids;
}

async function names(images: ComputeImages, query: OldImageQuery): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  for await (const { name } of images.detail(query)) found.push(name);
  return found;
}

test('a record with data is created, shown, listed, downloaded and deleted', async () => {
  const made = await demo.create(
    {
      name: 'whole',
      ...raw,
      is_public: false,
      min_disk: '1',
      min_ram: 64,
      protected: false,
      size: data.length,
      checksum: md5.toUpperCase(),
      properties: { os_distro: 'debian', instance_uuid: randomUUID(), bdm_v2: true },
    },
    { data },
  );
  const { id, created_at, updated_at, properties, ...rest } = made;
  assert.deepEqual(rest, {
    name: 'whole',
    status: 'active',
    is_public: false,
    owner: 'demo',
    ...raw,
    size: data.length,
    virtual_size: data.length,
    checksum: md5,
    min_disk: 1,
    min_ram: 64,
    protected: false,
    deleted: false,
    deleted_at: null,
  });
  assert.deepEqual([properties.os_distro, properties.bdm_v2], ['debian', 'True']);
  for (const time of [created_at, updated_at]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal((await api.getImage(id)).visibility, 'private');
  assert.deepEqual(await demo.show(id), made);
  const listed: OldImage[] = [];
  for await (const image of demo.detail({ filters: { name: 'whole' } })) listed.push(image);
  assert.deepEqual(listed, [made]);
  assert.ok((await collect(await demo.download(id, { verify: hashers }))).equals(data));
  await demo.delete(id);
  await assert.rejects(demo.show(id), { code: 'image_not_found', status: 404 });
  await assert.rejects(demo.delete(id), { status: 404 });
});

test('an image is reserved first and filled later, without losing its properties', async () => {
  const { id, status, size, checksum } = await demo.create({ name: 'reserved', properties: { kept: 'yes' } });
  assert.deepEqual([status, size, checksum], ['queued', 0, null]);
  const record = await demo.show(id);
  const filled = await demo.update(id, { ...record, ...raw, properties: { more: 'too' } }, { data });
  assert.deepEqual([filled.status, filled.checksum], ['active', md5]);
  assert.deepEqual(filled.properties, { kept: 'yes', more: 'too' });
  // Nothing of it is changed when the data is refused.
  const refused = demo.update(id, { name: 'late' }, { data });
  await assert.rejects(refused, { code: 'status_conflict', status: 409 });
  assert.equal((await demo.show(id)).name, 'reserved');
});

test('purge_props replaces the properties, or leaves the others', async () => {
  const { id } = await demo.create({ name: 'properties', properties: { one: '1', two: '2', 'a/b~c': '3' } });
  const properties = async () => (await demo.show(id)).properties;
  await demo.update(id, { properties: { two: 'II', four: '4' } }, { purge_props: false });
  assert.deepEqual(await properties(), { one: '1', two: 'II', 'a/b~c': '3', four: '4' });
  await demo.update(id, { properties: { four: null } }, { purge_props: false });
  await demo.update(id, { properties: { two: '2', five: '5' } });
  assert.deepEqual(await properties(), { two: '2', five: '5' });
  await demo.update(id, { name: 'bare' }, { purge_props: true });
  assert.deepEqual(await properties(), {});
});

test('a record given back changes nothing, also of an active, shared image', async () => {
  const { id } = await demo.create(
    { name: 'again', ...raw, properties: { mappings: [{ virtual: 'ami' }] } },
    { data },
  );
  await api.updateImage(id, { visibility: 'shared' });
  const before = await api.getTaggedImage(id);
  assert.deepEqual(await demo.update(id, await demo.show(id)), await demo.show(id));
  assert.deepEqual(await api.getTaggedImage(id), before);
  const renamed = await demo.update(id, { ...(await demo.show(id)), name: 'renamed' });
  assert.equal(renamed.name, 'renamed');
  assert.equal((await api.getImage(id)).visibility, 'shared');
});

test('properties that others change meanwhile are purged too', async () => {
  const { id } = await demo.create({ name: 'raced', properties: { gone: 'x' } });
  let races = 0;
  const raced = new ComputeImages(
    clientOf('demo', 'member', async (method) => {
      if (method !== 'PATCH' || races === 2) return;
      races += 1;
      await api.updateImage(id, races === 1 ? { gone: null } : { late: 'y' });
    }),
  );
  const { properties } = await raced.update(id, { properties: { mine: 'z' } });
  assert.deepEqual(properties, { mine: 'z' });
  assert.equal(races, 2);
});

test('an image that changes again and again is given up', async () => {
  const { id } = await demo.create({ name: 'restless' });
  let count = 0;
  const raced = new ComputeImages(
    clientOf('demo', 'member', async (method) => {
      if (method === 'PATCH') await api.updateImage(id, { count: String(++count) });
    }),
  );
  await assert.rejects(raced.update(id, { name: 'calm' }), { code: 'precondition_failed' });
  assert.equal(count, 5);
});

test('size 0 makes an active image without bytes, of a volume elsewhere in any format', async () => {
  const plain = await demo.create({ name: 'nothing', size: 0 });
  assert.deepEqual(
    [plain.status, plain.size, plain.disk_format, plain.container_format],
    ['active', 0, 'raw', 'bare'],
  );
  const mapping = [
    { source_type: 'snapshot', device_name: '/dev/vda', boot_index: 0, volume_size: 1, no_device: null },
  ];
  const snapshot = await demo.create({
    name: 'snapshot',
    disk_format: 'qcow2',
    size: '0',
    properties: {
      block_device_mapping: mapping,
      mappings: [{ virtual: 'root', device: 'vda' }],
      bdm_v2: 'True',
    },
  });
  assert.deepEqual([snapshot.status, snapshot.size, snapshot.disk_format], ['active', 0, 'qcow2']);
  assert.deepEqual(snapshot.properties.block_device_mapping, mapping);
  assert.equal((await api.getImage(snapshot.id)).block_device_mapping, JSON.stringify(mapping));
  assert.equal((await collect(await demo.download(snapshot.id, { verify: hashers }))).length, 0);
  assert.deepEqual(
    await server.storedFiles().then((files) => files.filter((file) => file.includes(snapshot.id))),
    [],
  );
});

test('data of another size, checksum or format leaves nothing behind, unless the caller chose the id', async () => {
  const wrong = { name: 'wrong', ...raw };
  await assert.rejects(demo.create({ ...wrong, size: 5 }, { data }), { code: 'size_mismatch' });
  const checksum = '0'.repeat(32);
  await assert.rejects(demo.create({ ...wrong, checksum }, { data }), { code: 'digest_mismatch' });
  const mislabelled = { ...wrong, disk_format: 'qcow2', protected: true };
  await assert.rejects(demo.create(mislabelled, { data }), { code: 'format_mismatch' });
  await assert.rejects(demo.create({ name: 'wrong', disk_format: 'qcow2', size: 0 }), {
    code: 'format_mismatch',
  });
  assert.deepEqual(await names(demo, { filters: { name: 'wrong' } }), []);
  const id = randomUUID();
  await assert.rejects(demo.create({ ...wrong, id, checksum }, { data }), { code: 'digest_mismatch' });
  assert.equal((await demo.update(id, { checksum: md5 }, { data })).status, 'active');
});

test('is_public is visibility, in records, changes and lists', async () => {
  const id = (await admin.create({ name: 'common', is_public: true })).id;
  assert.equal((await demo.show(id)).is_public, true);
  await assert.rejects(demo.create({ name: 'mine', is_public: true }), { status: 403 });
  await admin.update(id, { is_public: 'False' });
  await assert.rejects(demo.show(id), { status: 404 });
  await admin.update(id, { is_public: '1' });

  const own = await Promise.all(
    (['private', 'shared', 'community'] as const).map((visibility) =>
      api.createImage({ name: 'common', visibility }),
    ),
  );
  const visibilities = async (is_public: boolean | string | null | undefined) => {
    const found: string[] = [];
    for await (const image of demo.detail({ filters: { name: 'common', is_public } }))
      found.push(own.find((one) => one.id === image.id)?.visibility ?? 'public');
    return found.sort();
  };
  const all = ['community', 'private', 'public', 'shared'];
  assert.deepEqual(await visibilities(true), ['public']);
  assert.deepEqual(
    await visibilities('0'),
    all.filter((visibility) => visibility !== 'public'),
  );
  for (const either of ['None', null, undefined]) assert.deepEqual(await visibilities(either), all);
  assert.deepEqual(await names(other, { filters: { name: 'common' } }), ['common']);
  // A limit counts what is listed, not what is passed over.
  for (const page_size of [1, 2, 10])
    assert.equal(
      (await names(demo, { limit: 2, page_size, filters: { name: 'common', is_public: false } })).length,
      2,
    );
});

test('lists in order, in pages, from a marker, up to a limit', async () => {
  const properties = { group: 'list' };
  const ids = await createInTurn(['c', 'a', 'b', 'e', 'd'].map((name) => ({ name, properties })));
  const listed = (query: OldImageQuery) =>
    names(demo, { filters: { 'property-group': 'list' }, page_size: 2, ...query });
  assert.deepEqual(await listed({ sort_key: 'name', sort_dir: 'asc' }), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(await listed({ sort_key: 'name' }), ['e', 'd', 'c', 'b', 'a']);
  assert.deepEqual(await listed({}), ['d', 'e', 'b', 'a', 'c']);
  assert.deepEqual(await listed({ sort_dir: 'asc', limit: 3 }), ['c', 'a', 'b']);
  assert.deepEqual(await listed({ sort_dir: 'asc', marker: ids[2], limit: 5 }), ['e', 'd']);
  assert.deepEqual(await listed({ limit: 0 }), []);
  await assert.rejects(listed({ marker: randomUUID() }), { code: 'invalid_marker' });
  await assert.rejects(listed({ sort_key: 'colour' }), { code: 'invalid_query' });
});

test('lists what changed since, by size, by minimum and by property', async () => {
  const group = { group: 'filters' };
  const old = await demo.create({
    name: 'old',
    min_ram: 512,
    min_disk: 3,
    properties: { ...group, type: 'a' },
  });
  const large = await demo.create(
    { name: 'in:large', ...raw, properties: { ...group, type: 'b' } },
    { data },
  );
  const listed = (filters: OldImageQuery['filters']) =>
    names(demo, { sort_key: 'name', filters: { 'property-group': 'filters', ...filters } });
  assert.deepEqual(await listed({ 'changes-since': old.created_at.replace('Z', '') }), ['old', 'in:large']);
  assert.deepEqual(await listed({ 'changes-since': new Date(Date.parse(large.updated_at) + 60_000) }), []);
  assert.deepEqual(await listed({ size_min: data.length }), ['in:large']);
  assert.deepEqual(await listed({ size_max: data.length - 1, size_min: 1 }), []);
  assert.deepEqual(await listed({ min_ram: 512, min_disk: '3' }), ['old']);
  assert.deepEqual(await listed({ 'property-type': 'b' }), ['in:large']);
  assert.deepEqual(await listed({ name: 'in:large', status: 'active', checksum: md5 }), ['in:large']);
  assert.deepEqual(await listed({ deleted: false, protected: 'false', owner: 'other' }), []);
  // By the API itself the old word is refused, with the new one named.
  const answer = await fetch(`${server.url}/v2/images?changes-since=2026-01-01T00:00:00Z`, {
    headers: as('demo', 'member'),
  });
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /use updated_at=gte:/);
});

test('backups of an instance are found newest first, those of others are not', async () => {
  const instance_uuid = randomUUID();
  const backup = { instance_uuid, image_type: 'backup', backup_type: 'daily' };
  const days = ['monday', 'tuesday', 'wednesday'];
  await createInTurn(days.map((name) => ({ name, size: 0, properties: backup })));
  await demo.create({ name: 'snapshot', size: 0, properties: { ...backup, image_type: 'snapshot' } });
  await other.create({ name: 'foreign', size: 0, is_public: false, properties: backup });
  const filters = {
    'property-instance_uuid': instance_uuid,
    'property-image_type': 'backup',
    'property-backup_type': 'daily',
    status: 'active',
  };
  const rotation = { filters, sort_key: 'created_at', sort_dir: 'desc' };
  assert.deepEqual(await names(demo, rotation), ['wednesday', 'tuesday', 'monday']);
  assert.deepEqual(await names(demo, { ...rotation, limit: 1 }), ['wednesday']);
  assert.deepEqual(await names(demo, { filters: { instance_uuid }, sort_dir: 'asc', limit: 1 }), ['monday']);
  assert.deepEqual(await names(other, rotation), ['foreign']);
});

test('what has no new word is refused before anything is made', async () => {
  const before = await names(demo, {});
  const strange = { name: 'strange', visibility: 'shared' } as OldImageAttributes;
  await assert.rejects(demo.create(strange), VocabularyError);
  await assert.rejects(demo.create({ properties: { status: 'active' } }), VocabularyError);
  await assert.rejects(names(demo, { filters: { deleted: true } }), VocabularyError);
  assert.deepEqual(await names(demo, {}), before);
});

test('whatever text properties have, the server keeps it', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 });
  const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }).map((tail) => `p-${tail}`);
  const properties = fc.dictionary(name, text, { maxKeys: 8, noNullPrototype: true });
  const given = fc.record({
    properties,
    name: fc.option(text),
    min_ram: fc.nat({ max: 9999 }),
    is_public: fc.constant(false),
  });
  const { id } = await demo.create({});
  await fc.assert(
    fc.asyncProperty(given, async (old) => {
      const made = await demo.create(old);
      const changed = await demo.update(id, old);
      for (const record of [made, changed, await demo.show(made.id)])
        for (const [word, value] of Object.entries(old))
          assert.deepEqual(record[word as keyof OldImage], value);
    }),
    { numRuns: 25 },
  );
});
