/** `location` and `copy_from` of the old vocabulary against a real server: data that the caller does not send. */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { until } from '../../../../test/support/process.ts';
import { as, startServer, type TestServer } from '../../../../test/support/server.ts';
import {
  collect,
  loopbackRules,
  serve,
  startWebSource,
  type WebSource,
} from '../../../../test/support/web-source.ts';
import { ComputeImages, ImageClient, type OldImage, VerificationError, VocabularyError } from '../index.ts';

const data = randomBytes(100_000);
const checksum = createHash('md5').update(data).digest('hex');
const raw = { disk_format: 'raw', container_format: 'bare' } as const;

let source: WebSource;
let server: TestServer;
let api: ImageClient;
let images: ComputeImages;
/** Before every answer of `/held`. */
let release: (() => void) | null = null;

before(async () => {
  source = await startWebSource((request, response) => {
    const give = () => serve(request, response, { bytes: data, headers: { ETag: '"1"' } });
    if (request.url === '/held') release = give;
    else if (request.url === '/disk') give();
    else response.writeHead(404).end();
  });
  server = await startServer({
    stores: [
      { id: 'local', type: 'file' },
      { id: 'spare', type: 'file' },
      { id: 'web', type: 'http', ...loopbackRules },
    ],
    import: loopbackRules,
  });
  const identity = as('demo', 'member');
  const send: typeof fetch = (address, options) =>
    fetch(address, { ...options, headers: { ...(options?.headers as object), ...identity } });
  api = new ImageClient({ endpoint: server.url, fetch: send });
  images = new ComputeImages(api);
});
after(async () => {
  await server?.close();
  await source?.close();
});

async function listed(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of images.detail({})) ids.push(id);
  return ids;
}

function ended({ id }: OldImage): Promise<OldImage> {
  return until(`the end of saving ${id}`, async () => {
    const now = await images.show(id);
    return now.status !== 'saving' && now;
  });
}

async function storesOf(id: string): Promise<string | undefined> {
  return (await api.getImage(id)).stores;
}

test('copy_from: the image is saved by the server after the call, and says so', async () => {
  const copy = { name: 'copied', ...raw, copy_from: `${source.url}/held`, size: 0, checksum: null };
  const made = await images.create(copy);
  assert.ok(['queued', 'saving'].includes(made.status), made.status);
  await until('the source is asked', () => release !== null);
  assert.equal((await images.show(made.id)).status, 'saving');
  const saving = [];
  for await (const { id } of images.detail({ filters: { status: 'saving' } })) saving.push(id);
  assert.deepEqual(saving, [made.id]);
  release!();
  const done = await ended(made);
  assert.deepEqual([done.status, done.size, done.checksum], ['active', data.length, checksum]);
  const read = await collect(await images.download(made.id, { verify: (name) => createHash(name) }));
  assert.ok(read.equals(data));
});

test('copy_from goes to the store that is named, and fills an image that was reserved', async () => {
  const { id } = await images.create({ name: 'reserved', ...raw, properties: { kept: 'yes' } });
  const copy = { copy_from: `${source.url}/disk`, store: 'spare' };
  const filled = await ended(await images.update(id, copy, { purge_props: false }));
  assert.deepEqual([filled.status, filled.properties.kept], ['active', 'yes']);
  assert.equal(await storesOf(id), 'spare');
  await assert.rejects(images.update(id, { name: 'late', ...copy }), {
    code: 'status_conflict',
    status: 409,
  });
  assert.equal((await images.show(id)).name, 'reserved');
});

test('copy_from that fails leaves the image queued, and the reason in its tasks', async () => {
  const made = await images.create({ name: 'lost', ...raw, copy_from: `${source.url}/nothing` });
  assert.equal((await ended(made)).status, 'queued');
  const [task] = await api.listTasks(made.id);
  assert.match(task?.message ?? '', /404/);
});

test('location: the image is active at once, its data stays where it is', async () => {
  const location = `${source.url}/disk`;
  const made = await images.create({ name: 'placed', ...raw, location, size: data.length });
  assert.deepEqual([made.status, made.size], ['active', data.length]);
  assert.equal(await storesOf(made.id), 'web');
  const read = await collect(await images.download(made.id, { verify: false }));
  assert.ok(read.equals(data));
});

test('location: a checksum is compared before the image becomes active', async () => {
  const { id } = await images.create({ name: 'compared', ...raw });
  const location = `${source.url}/disk`;
  const right = await ended(await images.update(id, { location, checksum: checksum.toUpperCase() }));
  assert.deepEqual([right.status, right.checksum], ['active', checksum]);
  const wrong = await ended(
    await images.create({ name: 'wrong', ...raw, location, checksum: '0'.repeat(32) }),
  );
  assert.equal(wrong.status, 'queued');
});

test('what the server refuses leaves nothing behind, unless the caller chose the id', async () => {
  const before = await listed();
  const bad = { name: 'bad', ...raw };
  await assert.rejects(images.create({ ...bad, copy_from: 'ftp://host.test/disk' }), { status: 400 });
  await assert.rejects(images.create({ ...bad, location: 'file:///etc/passwd' }), { status: 400 });
  await assert.rejects(images.create({ name: 'bad', copy_from: `${source.url}/disk` }), { status: 409 });
  const location = `${source.url}/disk`;
  await assert.rejects(images.create({ ...bad, location, size: 5 }), (thrown: Error) => {
    assert.ok(thrown instanceof VerificationError && thrown.trouble === 'size');
    return true;
  });
  assert.deepEqual(await listed(), before);
  const id = randomUUID();
  await assert.rejects(images.create({ ...bad, id, location: 'file:///etc/passwd' }), { status: 400 });
  assert.equal((await images.update(id, { location })).status, 'active');
});

test('what nobody would compare, or use, is refused before anything is made', async () => {
  const before = await listed();
  const url = `${source.url}/disk`;
  const cases = [
    { copy_from: url, location: url },
    { copy_from: url, checksum },
    { copy_from: url, size: data.length },
    { location: url, store: 'local' },
  ];
  for (const words of cases) await assert.rejects(images.create({ ...raw, ...words }), VocabularyError);
  for (const words of [{ location: url }, { copy_from: url }])
    await assert.rejects(images.create({ ...raw, ...words }, { data }), VocabularyError);
  assert.deepEqual(await listed(), before);
});

test('the client tells the methods of import and, to services, the locations', async () => {
  assert.deepEqual(await api.importMethods(), ['glance-direct', 'web-download', 'copy-image']);
  const made = await images.create({ name: 'shown', ...raw, location: `${source.url}/disk` });
  await assert.rejects(api.listLocations(made.id), { status: 403 });
  const identity = as('operators', 'admin');
  const send: typeof fetch = (address, options) =>
    fetch(address, { ...options, headers: { ...(options?.headers as object), ...identity } });
  const admin = new ImageClient({ endpoint: server.url, fetch: send });
  assert.deepEqual(await admin.listLocations(made.id), [
    { url: `${source.url}/disk`, metadata: { store: 'web' } },
  ]);
});
