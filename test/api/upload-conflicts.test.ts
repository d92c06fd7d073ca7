/** Uploads that meet each other, a deletion, or the end of their connection (API section 4). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../support/process.ts';
import { differs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, raw } from './client.ts';
import { head, nextAnswer, open } from './raw-socket.ts';
import { SlowUpload } from './slow-upload.ts';

let target: Target;
let client: Client;
const data = bytes(500_000);

before(async () => {
  target = await openTarget({ images: { uploadIdleTimeout: 2 } });
  client = new Client(target);
});
after(() => target.close());

/** An upload whose first bytes have arrived. */
async function begin(id: string, headers: Record<string, string> = {}): Promise<SlowUpload> {
  const upload = new SlowUpload(target, 'caller', id, headers);
  await upload.write(data.subarray(0, 200_000));
  await until('the image is saving', async () => (await client.status(id)) === 'saving');
  return upload;
}

async function noBytesOf(id: string): Promise<void> {
  if (target.server === null) return;
  const { server } = target;
  await until('no bytes are left', async () => {
    const files = await server.storedFiles();
    return !files.some((name) => name.startsWith(id) || !name.includes('-'));
  });
}

test('a second upload is refused at once, and the first one goes on', async () => {
  const { id } = await client.create(raw);
  const first = await begin(id);
  for (const body of [bytes(1000, 2), Buffer.alloc(20 << 20)])
    refused(await client.upload(id, body), 'status_conflict', /saving/);
  await first.write(data.subarray(200_000));
  assert.equal((await first.finish()).status, 204);
  assert.deepEqual((await client.download(id)).body, data);
});

test('of many uploads that begin together one succeeds, and its bytes stay', {
  skip: differs('Of uploads that begin together those that lose are 410.'),
}, async () => {
  for (let round = 0; round < 3; round += 1) {
    const { id } = await client.create(raw);
    const all = Array.from({ length: 6 }, (_, seed) => bytes(300_000, seed + 1));
    const answers = await Promise.all(all.map((body) => client.upload(id, body)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409, 409, 409, 409, 409]);
    const winner = all[answers.findIndex(({ status }) => status === 204)]!;
    assert.ok((await client.download(id)).body.equals(winner));
  }
});

const seesNoDeletion = differs('An upload learns of a deletion only when its data end.');

test('a deletion ends the upload with 410 while its client is still sending', {
  skip: seesNoDeletion,
}, async () => {
  const { id } = await client.create(raw);
  const upload = await begin(id);
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  assert.equal((await client.show(id)).status, 404);
  refused(await upload.answer, 'image_deleted', new RegExp(id));
  upload.cut();
  await noBytesOf(id);
  refused(await client.post('/v2/images', { id }), 'image_exists');
});

test('a deletion ends an upload that is silent', { skip: seesNoDeletion }, async () => {
  const { id } = await client.create(raw);
  const upload = await begin(id, { 'Content-Length': String(data.length) });
  assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
  const started = performance.now();
  refused(await upload.answer, 'image_deleted');
  assert.ok(performance.now() - started < 1500, 'at once');
  upload.cut();
  await noBytesOf(id);
});

test('a deletion in the moment of the end has one of two outcomes', async () => {
  for (let round = 0; round < 6; round += 1) {
    const { id } = await client.create(raw);
    const [uploaded, deleted] = await Promise.all([
      client.upload(id, data),
      (async () => {
        await until('the image is saving', async () => (await client.status(id)) !== 'queued');
        return await client.delete(`/v2/images/${id}`);
      })(),
    ]);
    assert.equal(deleted.status, 204);
    assert.ok([204, 410].includes(uploaded.status), String(uploaded.status));
    assert.equal((await client.show(id)).status, 404);
    await noBytesOf(id);
  }
});

const noTasks = differs('An upload leaves no task.');

for (const form of ['measured', 'chunked'])
  test(`an upload that is cut off, ${form}, is queued again within 5 seconds, with the reason told`, async () => {
    const { id } = await client.create(raw);
    const length = { 'Content-Length': String(data.length) };
    const upload = await begin(id, form === 'measured' ? length : {});
    upload.cut();
    await until('the image is queued', async () => (await client.status(id)) === 'queued', 5000);
    const record = (await client.show(id)).json;
    assert.deepEqual([record.size, record.checksum, record.os_hash_value], [null, null, null]);
    if (noTasks === false) {
      const [task] = await client.tasks(id);
      assert.deepEqual([task.status, task.result.error.code], ['failure', 'upload_cut']);
      assert.match(task.message, /connection ended/);
    }
    await noBytesOf(id);
    assert.equal((await client.upload(id, data)).status, 204, 'another try is welcome');
  });

test('broken chunks end the upload like a cut', async () => {
  const { id } = await client.create(raw);
  const socket = await open(target);
  const headers = ['Content-Type: application/octet-stream', 'Transfer-Encoding: chunked'];
  socket.write(`${head(target, 'caller', `PUT /v2/images/${id}/file`, headers)}4\r\nabcd\r\n`);
  await until('the image is saving', async () => (await client.status(id)) === 'saving');
  socket.write('zz\r\nnonsense');
  assert.equal((await nextAnswer(socket))?.status, 400);
  // The connection is held open on our side.
  await until('the image is queued', async () => (await client.status(id)) === 'queued', 5000);
  if (noTasks === false) assert.equal((await client.tasks(id))[0].result.error.code, 'upload_cut');
  socket.destroy();
});

test('an upload that goes silent is 408, and queued again', { skip: needsOwnServer }, async () => {
  const { id } = await client.create(raw);
  const upload = await begin(id);
  refused(await upload.answer, 'upload_stalled', /2 seconds/);
  upload.cut();
  assert.equal(await client.status(id), 'queued');
  const [task] = await client.tasks(id);
  assert.equal(task.result.error.code, 'upload_stalled');
  await noBytesOf(id);
});

test('a slow upload that never goes silent is taken', { skip: needsOwnServer }, async () => {
  const { id } = await client.create(raw);
  const upload = new SlowUpload(target, 'caller', id);
  for (let at = 0; at < 12; at += 1) {
    await upload.write(data.subarray(at * 10, at * 10 + 10));
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.equal((await upload.finish()).status, 204);
  assert.deepEqual((await client.download(id)).body, data.subarray(0, 120));
});

test('a server that stops lets an upload finish, or ends it with 503', { skip: needsOwnServer }, async () => {
  const own = await openTarget({ shutdownGrace: 1 });
  const other = new Client(own);
  const { id: quick } = await other.create(raw);
  const { id: slow } = await other.create(raw);
  const finishing = new SlowUpload(own, 'caller', quick);
  const stuck = new SlowUpload(own, 'caller', slow);
  for (const upload of [finishing, stuck]) await upload.write(data);
  for (const id of [quick, slow]) await until('saving', async () => (await other.status(id)) === 'saving');
  const closed = own.close();
  assert.equal((await finishing.finish()).status, 204);
  refused(await stuck.answer, 'interrupted');
  stuck.cut();
  await closed;
});
