/** What is found at a location in the background, and what follows: for the image, its bytes, its tasks. */
// First, so that nothing has asked what time it is before.
import '../../../../test/support/skewed-clock.ts';

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Web } from '../../../../test/support/foreign-stores.ts';
import { openImageParts, type TestParts } from '../../../../test/support/image-parts.ts';
import { SigningDesk, withoutOpenssl } from '../../../../test/support/signing.ts';
import { skewClock } from '../../../../test/support/skewed-clock.ts';
import { type Caller, createCaller } from '../identity/caller.ts';
import { activeLocations } from '../locations/location-records.ts';
import { collect, stream } from '../stores/contract/bytes.ts';
import type { Store } from '../stores/store.ts';
import { addLocation } from './add-location.ts';
import { changeImage } from './change.ts';
import { claimChecks } from './check-records.ts';
import { createImage } from './create.ts';
import { deleteImage } from './delete.ts';
import { listLocations } from './list-locations.ts';
import { LocationChecks } from './location-checks.ts';
import type { ImageParts } from './parts.ts';
import { showImage } from './show.ts';
import type { ShownImage } from './shown.ts';
import { type Task, tasksOfImage } from './task-records.ts';

const project = { userId: 'u', projectId: 'mine' };
const owner = createCaller({ ...project, roles: ['member'] });
const helped = createCaller({ ...project, roles: ['member'], serviceRoles: ['service'] });
const data = Buffer.alloc(200, 'data');
const url = 'https://one.example/image';
const sha512 = createHash('sha512').update(data).digest('hex');
const md5 = createHash('md5').update(data).digest('hex');

let opened: TestParts;
let parts: ImageParts;
let web: Web;
let pool: Store;

before(async () => {
  opened = await openImageParts();
  ({ parts, web } = opened);
  pool = parts.stores.byId('pool')!;
  web.set(url, data);
});
after(() => opened.close());

async function queued(fields = {}): Promise<string> {
  const image = await createImage(parts, owner, { disk_format: 'raw', container_format: 'bare', ...fields });
  return image.id;
}

interface Given {
  readonly at?: string;
  readonly caller?: Caller;
  readonly algorithm?: string;
  readonly digest?: string;
}

function give(id: string, { at = url, caller = owner, algorithm = 'sha512', digest }: Given = {}) {
  const validation = digest === undefined ? undefined : { os_hash_algo: algorithm, os_hash_value: digest };
  return addLocation(parts, caller, { id, url: at, validation, requestId: 'req-test', token: null });
}

const show = (id: string): Promise<ShownImage> => showImage(parts, owner, id);

async function lastTask(id: string): Promise<Task> {
  const [task] = await tasksOfImage(parts.database, id, undefined);
  return task!;
}

const codeOf = (result: Task['result']) => (result!.error as { code: string }).code;

const waiting = async () => await parts.database.db.selectFrom('location_checks').selectAll().execute();

/** A source that gives half of the data and then nothing until it is let go. */
function stalling() {
  const reached = Promise.withResolvers<void>();
  const let_ = Promise.withResolvers<void>();
  const source = {
    size: data.length,
    async *read() {
      yield data.subarray(0, 100);
      reached.resolve();
      await let_.promise;
      yield data.subarray(100);
    },
  };
  return { source, reached: reached.promise, letGo: let_.resolve };
}

test('the image is active at once, and what it is follows', async () => {
  const { source, reached, letGo } = stalling();
  web.set('https://slow.example/', source);
  const id = await queued();
  await give(id, { at: 'https://slow.example/' });
  await reached;
  const before = await show(id);
  assert.deepEqual([before.status, before.size, before.os_hash_value], ['active', 200, null]);
  assert.equal((await lastTask(id)).status, 'processing');
  letGo();
  await parts.checks.idle();
  const image = await show(id);
  assert.deepEqual([image.os_hash_algo, image.os_hash_value, image.checksum], ['sha512', sha512, md5]);
  assert.equal(image.virtual_size, 200);
  assert.ok(image.updated_at > before.updated_at);
  const { type, status, message, owner: of, input } = await lastTask(id);
  assert.deepEqual([type, status, message, of], ['location_import', 'success', 'Read 200 bytes', 'mine']);
  assert.deepEqual(input, { backend: ['web'] });
  assert.deepEqual(await waiting(), []);
});

test('data that must be something is checked before the image is active', async () => {
  const { source, reached, letGo } = stalling();
  web.set('https://slow.example/', source);
  const id = await queued();
  await give(id, { at: 'https://slow.example/', algorithm: 'md5', digest: md5 });
  await reached;
  assert.equal((await show(id)).status, 'importing');
  letGo();
  await parts.checks.idle();
  const image = await show(id);
  assert.deepEqual([image.status, image.os_hash_algo, image.os_hash_value], ['active', 'md5', md5]);
});

test('data that is something else puts the image back, and says why (OSSN-0065)', async () => {
  const id = await queued();
  await give(id, { digest: 'a'.repeat(128) });
  await parts.checks.idle();
  const image = await show(id);
  assert.deepEqual([image.status, image.size, image.os_hash_value], ['queued', null, null]);
  assert.deepEqual(await activeLocations(parts.database.db, id), []);
  assert.ok(web.has(url));
  const { status, message, result } = await lastTask(id);
  assert.equal(status, 'failure');
  assert.match(message, /The sha512 of the data is .*, expected was a+\. The image is queued again\./);
  assert.equal(codeOf(result), 'digest_mismatch');
  await give(id, { digest: sha512 });
  await parts.checks.idle();
  assert.equal((await show(id)).status, 'active');
});

test('bytes of ours that are refused are removed', async () => {
  await pool.put('refused', stream(1, 100));
  const id = await queued();
  await give(id, { at: pool.urlOf!('refused'), caller: helped, digest: 'a'.repeat(128) });
  await parts.checks.idle();
  assert.equal((await show(id)).status, 'queued');
  await assert.rejects(pool.stat('refused'), { code: 'not_found' });
});

test('data that is not of the declared format takes the image out of service', async () => {
  const id = await queued({ disk_format: 'qcow2' });
  await give(id);
  await parts.checks.idle();
  const image = await show(id);
  assert.deepEqual([image.status, image.os_hash_value], ['deactivated', null]);
  const { status, message, result } = await lastTask(id);
  assert.equal(status, 'failure');
  assert.match(message, /The image was deactivated\.$/);
  assert.equal(codeOf(result), 'format_mismatch');
});

test('a further location with other bytes is removed, and the image goes on', async () => {
  const id = await queued();
  await give(id);
  await parts.checks.idle();
  web.set('https://other.example/', Buffer.alloc(200, 'other'));
  const add = { op: 'add', path: '/locations/-', value: { url: 'https://other.example/', metadata: {} } };
  const precondition = () => true;
  const input = { id, body: [add], form: 'v2.1' as const, precondition, requestId: 'req-test', token: null };
  await changeImage(parts, owner, input);
  await parts.checks.idle();
  const image = await show(id);
  assert.equal(image.status, 'active');
  assert.deepEqual(
    image.locations?.map((location) => location.url),
    [url],
  );
  assert.match((await lastTask(id)).message, /The location was removed\.$/);
});

test('of two locations read at once, neither known, the second must be as the first', async () => {
  const slow = stalling();
  web.set('https://slow.example/', slow.source);
  web.set('https://other.example/', Buffer.alloc(200, 'other'));
  const id = await queued();
  const value = [{ url: 'https://slow.example/' }, { url: 'https://other.example/' }];
  const body = [{ op: 'replace', path: '/locations', value }];
  const precondition = () => true;
  await changeImage(parts, owner, {
    id,
    body,
    form: 'v2.1',
    precondition,
    requestId: 'req-test',
    token: null,
  });
  await slow.reached;
  while ((await show(id)).os_hash_value === null) await new Promise(setImmediate);
  slow.letGo();
  await parts.checks.idle();
  const image = await show(id);
  assert.deepEqual(
    image.locations?.map((location) => location.url),
    ['https://other.example/'],
  );
});

test('what cannot be read is tried again, and given up in the end', async () => {
  web.set('https://gone.example/', data);
  const [active, checked] = [await queued(), await queued()];
  await parts.checks.idle();
  const source = {
    size: data.length,
    // biome-ignore lint/correctness/useYield: it fails before its first chunk.
    async *read(): AsyncGenerator<Uint8Array> {
      throw new Error('the cable is cut');
    },
  };
  web.set('https://gone.example/', source);
  await give(active, { at: 'https://gone.example/' });
  await give(checked, { at: 'https://gone.example/', digest: sha512 });
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await parts.checks.idle();
    const rows = await waiting();
    assert.deepEqual(
      rows.map(({ attempts, process }) => [attempts, process]),
      attempt === 5 ? [] : Array(2).fill([attempt, null]),
    );
    assert.ok(rows.every(({ not_before }) => not_before.getTime() > Date.now()));
    await parts.database.db.updateTable('location_checks').set({ not_before: new Date() }).execute();
    parts.checks.wake();
  }
  const [one, other] = [await show(active), await show(checked)];
  assert.deepEqual([one.status, one.os_hash_value, one.locations?.length], ['active', null, 1]);
  assert.deepEqual([other.status, other.size, other.locations], ['queued', null, []]);
  assert.match((await lastTask(active)).message, /could not be read\. What the data is remains unknown\.$/);
  assert.match((await lastTask(checked)).message, /could not be read\. The image is queued again\.$/);
});

/** The check of this image in the hands of another process that then dies, as by a kill -9. */
async function leftByTheDead(id: string): Promise<void> {
  const other = await opened.openSession();
  const silent = { ...parts, checks: new LocationChecks(parts) };
  await silent.checks.close();
  await addLocation(silent, owner, { id, url, validation: undefined, requestId: 'req-test', token: null });
  assert.equal((await claimChecks(parts.database, other.processNumber, 10)).length, 1);
  assert.equal(await parts.checks.recover(), 0, 'the other process lives');
  await other.close();
}

test('what a killed process was reading is taken up by another', async () => {
  const id = await queued();
  await leftByTheDead(id);
  assert.equal(await parts.checks.recover(), 1);
  parts.checks.wake();
  await parts.checks.idle();
  assert.equal((await show(id)).os_hash_value, sha512);
});

test('what was left by a process of another time is not waited for', async (t) => {
  t.after(() => skewClock(0));
  skewClock(5 * 3_600_000);
  const id = await queued();
  await leftByTheDead(id);
  skewClock(-5 * 3_600_000);
  assert.equal(await parts.checks.recover(), 1);
  parts.checks.wake();
  await parts.checks.idle();
  assert.equal((await show(id)).os_hash_value, sha512);
});

test('what kills its process again and again is given up', async () => {
  const id = await queued();
  await leftByTheDead(id);
  await parts.database.db.updateTable('location_checks').set({ attempts: 5 }).execute();
  await parts.checks.recover();
  parts.checks.wake();
  await parts.checks.idle();
  assert.equal((await lastTask(id)).status, 'failure');
  assert.deepEqual(await waiting(), []);
});

test('a server that stops leaves what it is reading to the next', async () => {
  const { source, reached } = stalling();
  web.set('https://slow.example/', source);
  const stopping = { ...parts, checks: new LocationChecks(parts) };
  const id = await queued();
  await addLocation(stopping, owner, {
    id,
    url: 'https://slow.example/',
    validation: undefined,
    requestId: 'req-test',
    token: null,
  });
  await reached;
  await stopping.checks.close();
  assert.deepEqual(
    (await waiting()).map(({ process, attempts }) => [process, attempts]),
    [[null, 0]],
  );
  web.set('https://slow.example/', data);
  parts.checks.wake();
  await parts.checks.idle();
  assert.equal((await show(id)).os_hash_value, sha512);
});

test('deleting the image ends the reading', async () => {
  const { source, reached } = stalling();
  web.set('https://slow.example/', source);
  const id = await queued();
  await give(id, { at: 'https://slow.example/' });
  await reached;
  await deleteImage(parts, owner, { id, precondition: () => true, token: null });
  parts.checks.abortImage(id);
  await parts.checks.idle();
  assert.deepEqual(await waiting(), []);
  assert.equal((await lastTask(id)).status, 'failure');
});

test('what others may name, and who counts as a service', async () => {
  await pool.put('snapshot', stream(1, 100));
  const at = pool.urlOf!('snapshot');
  const id = await queued();
  await assert.rejects(give(id, { at }), { code: 'forbidden' });
  const withoutWeb = { ...parts, stores: { ...parts.stores, all: [parts.stores.default, pool] } };
  const input = { id, url, validation: undefined, requestId: 'req-test', token: null };
  await assert.rejects(addLocation(withoutWeb, owner, input), {
    code: 'forbidden',
    message: /no store for locations that users may name/,
  });
  await give(id, { at, caller: helped });
  await parts.checks.idle();
  await assert.rejects(give(id, { at, caller: helped }), { code: 'status_conflict' });
  await assert.rejects(give(await queued(), { at, caller: helped }), { code: 'invalid_location' });
  await assert.rejects(listLocations(parts, owner, id), { code: 'forbidden' });
  assert.deepEqual(await listLocations(parts, helped, id), [{ url: at, metadata: { store: 'pool' } }]);
  assert.equal(
    (await show(id)).os_hash_value,
    createHash('sha512')
      .update(await collect(stream(1, 100)))
      .digest('hex'),
  );
});

test('a signed image is active once its signature is that of the data', {
  skip: withoutOpenssl(),
}, async () => {
  const desk = await SigningDesk.open();
  try {
    const certificate = await desk.certify('rsa:2048');
    const fetched = async () => certificate.pem;
    const certificates = { fetch: fetched, close: async () => {} };
    const signing = { ...parts, signatures: { required: true, certificates, trusted: null } };
    const signed = (bytes: Buffer) => desk.sign(bytes, certificate.key, { hash: 'sha256' });
    const properties = async (bytes: Buffer) => ({
      img_signature: await signed(bytes),
      img_signature_hash_method: 'SHA-256',
      img_signature_key_type: 'RSA-PSS',
      img_signature_certificate_uuid: certificate.id,
    });
    const more = { url, validation: undefined, requestId: 'req-test', token: null };

    const good = await queued(await properties(data));
    await addLocation(signing, owner, { ...more, id: good });
    await parts.checks.idle();
    assert.equal((await show(good)).status, 'active');

    const bad = await queued(await properties(Buffer.from('other data')));
    await addLocation(signing, owner, { ...more, id: bad });
    assert.notEqual((await show(bad)).status, 'active');
    await parts.checks.idle();
    assert.equal((await show(bad)).status, 'queued');
    assert.equal(codeOf((await lastTask(bad)).result), 'signature_mismatch');

    await assert.rejects(addLocation(signing, owner, { ...more, id: await queued() }), {
      code: 'signature_required',
    });
    const precondition = () => true;
    const patch = (id: string, ...body: object[]) =>
      changeImage(signing, owner, { ...more, id, body, form: 'v2.1', precondition });
    const add = { op: 'add', path: '/locations/-', value: { url, metadata: {} } };
    await assert.rejects(patch(await queued(), add), { code: 'signature_required' });
    const value = await signed(data);
    const late = [{ op: 'add', path: '/img_signature', value }, add];
    const open = { ...signing, signatures: { ...signing.signatures, required: false } };
    const input = { ...more, id: await queued(), body: late, form: 'v2.1' as const, precondition };
    await assert.rejects(changeImage(open, owner, input), { code: 'signature_invalid' });

    const patched = await queued(await properties(Buffer.from('other data')));
    await patch(patched, add);
    await parts.checks.idle();
    assert.equal((await show(patched)).status, 'deactivated');
  } finally {
    await desk.remove();
  }
});
