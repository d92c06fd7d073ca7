/** Exports after something went wrong: what is kept, what goes on, what goes away, and what is never sent. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { imageData, openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { until } from '../../../../test/support/process.ts';
import { Failure } from '../base/failure.ts';
import { recordedKeys } from '../locations/location-records.ts';
import { stagingStoreId } from '../stores/registry.ts';
import { upkeepJob } from '../upkeep/jobs.ts';

const sector = 512;
let lab: ServerLab;
let takes: ServerLab['answer'];
before(async () => {
  lab = await openLab(2000);
  takes = lab.answer;
});
afterEach(() => {
  lab.reach = null;
  lab.answer = takes;
});
after(() => lab?.close());

async function activeImage(): Promise<string> {
  const image = await lab.createImage();
  await lab.call('PUT', `/v2/images/${image}/file`, imageData);
  return image;
}

interface Begun {
  readonly id: string;
  /** Of the export. */
  readonly self: string;
  /** Of the place, with a query. */
  readonly path: string;
}

async function begin(image: string, more: object = {}): Promise<Begun> {
  const path = `/places/${randomUUID()}?signature=${randomUUID()}`;
  const location = lab.web.url + path;
  const { id, self } = await lab.call('POST', '/v2/image-exports', { image_ref: image, location, ...more });
  return { id: id as string, self: self as string, path };
}

const signatureOf = ({ path }: Begun) => path.split('=')[1]!;

/** One that is converted and whose step fails in a way that can be put right. */
async function held(step: string): Promise<Begun> {
  lab.reach = ({ record, when }) => {
    if (record === step && when === 'before') throw new Failure('store_full', 'A test says it is full.');
  };
  const begun = await begin(await activeImage(), { disk_format: 'qcow2' });
  assert.equal((await lab.ended(begun.id)).state, 'failed');
  lab.reach = null;
  const { status, error } = await lab.call('GET', begun.self);
  assert.deepEqual(
    [status, error],
    ['failure', { code: 'store_full', message: 'A test says it is full.', step, retryable: true }],
  );
  return begun;
}

const state = (id: string, wanted: string) =>
  until(`state ${wanted}`, async () => (await lab.view(id)).state === wanted, 60_000);

async function requireNothing({ id }: Begun): Promise<void> {
  await until(
    'no bytes of it',
    async () => {
      const files = (await lab.stagedFiles()).filter((name) => name.startsWith(id));
      const places = await lab.rows('SELECT key FROM image_locations WHERE image_id = $1', [id]);
      return files.length + places.length === 0;
    },
    60_000,
  );
  assert.deepEqual(await lab.rows('SELECT key FROM export_data WHERE action = $1', [id]), []);
}

test('a retry converts nothing again, and what was secret is in no table afterwards', async () => {
  const begun = await held('send');
  const kept = (await lab.stagedFiles()).filter((name) => name.startsWith(begun.id));
  assert.equal(kept.length, 2);
  // Nobody takes them for orphans.
  assert.deepEqual(await recordedKeys(lab.database, stagingStoreId, [...kept, 'other']), new Set(kept));
  assert.notDeepEqual(await lab.tablesWith(signatureOf(begun)), []);
  await lab.call('POST', `${begun.self}/retry`);
  await state(begun.id, 'success');
  const { attempts } = await lab.view(begun.id);
  const done = attempts.filter((one) => one.state === 'done').map(({ step }) => step);
  assert.deepEqual(
    done.filter((step) => step !== 'last word'),
    ['read', 'convert', 'send', 'finish'],
  );
  assert.equal(lab.sent.get(begun.path)!.subarray(0, 3).toString(), 'QFI');
  assert.deepEqual(await lab.tablesWith(signatureOf(begun)), []);
  await requireNothing(begun);
});

test('forgotten or cancelled, it leaves nothing of what it kept', async () => {
  for (const [method, path] of [
    ['DELETE', ''],
    ['POST', '/cancel'],
  ] as const) {
    const begun = await held('send');
    await lab.call(method, begun.self + path);
    await state(begun.id, 'cancelled');
    await requireNothing(begun);
    assert.deepEqual(await lab.tablesWith(signatureOf(begun)), []);
    assert.equal(lab.sent.has(begun.path), false);
  }
});

test('what the engine has forgotten meanwhile leaves nothing either, once it has expired', async () => {
  const begun = await held('convert');
  const past = `now() - interval '72 hours'`;
  await lab.rows(`UPDATE actions SET ended_at = ${past}, updated_at = ${past} WHERE id = $1`, [begun.id]);
  await lab.engine.client.deleteWorkflows([begun.id]);
  await lab.rows('DELETE FROM flows WHERE id = $1', [begun.id]);
  const none = { queuedHours: 0, stagedHours: 0, stuckHours: 0, killedHours: 0, eventHours: 0 };
  const told: string[] = [];
  await upkeepJob('expired-actions').run(
    {
      database: lab.database,
      engine: lab.engine,
      limits: { ...none, eventCount: 0, actionHours: 48 },
      scrubMs: 0,
    },
    { dryRun: false, tell: (id) => told.push(id), signal: new AbortController().signal },
  );
  assert.deepEqual(told, [begun.id]);
  assert.equal((await lab.ask('GET', begun.self)).status, 404);
  await requireNothing(begun);
});

test('a place that has troubles of its own is sent to again, with all of the data', async () => {
  let left = 2;
  lab.answer = async (request, response) => {
    left -= 1;
    if (left >= 0) request.once('data', () => request.socket.destroy());
    else await takes(request, response);
  };
  const begun = await begin(await activeImage());
  await state(begun.id, 'success');
  assert.ok(lab.sent.get(begun.path)?.equals(imageData));
  const { attempts } = await lab.view(begun.id);
  const failed = attempts.filter((one) => one.state === 'failed').map(({ step, code }) => [step, code]);
  assert.deepEqual(failed, Array(2).fill(['send', 'target_unreachable']));
});

/** The file that has the data of an image in a store. */
async function spoil(image: string, store: string): Promise<void> {
  const [row] = await lab.rows('SELECT key FROM image_locations WHERE image_id = $1 AND store = $2', [
    image,
    store,
  ]);
  const wrong = Buffer.from(imageData);
  wrong[wrong.length - sector]! ^= 1;
  await writeFile(lab.at(store, row!.key as string), wrong);
}

test('a copy that was spoiled is never sent: another is, or nothing', async () => {
  const image = await activeImage();
  await spoil(image, 'one');
  const only = await begin(image);
  await state(only.id, 'failed');
  assert.equal(((await lab.call('GET', only.self)).error as { code: string }).code, 'digest_mismatch');
  assert.equal(lab.sent.has(only.path), false);

  const other = await activeImage();
  await lab.ended(await lab.startImport(other, 'copy-image', { stores: ['two'] }));
  await spoil(other, 'one');
  const begun = await begin(other);
  await state(begun.id, 'success');
  assert.ok(lab.sent.get(begun.path)?.equals(imageData));
});

test('an image that is deleted meanwhile is told, or was sent before', async () => {
  const image = await activeImage();
  lab.isWorking = false;
  const waiting = await begin(image);
  const atWork = await begin(await activeImage());
  await lab.call('DELETE', `/v2/images/${image}`);
  lab.isWorking = true;
  await state(waiting.id, 'failed');
  const { message, error } = await lab.call('GET', waiting.self);
  assert.equal(message, `Image ${image} was deleted during the export.`);
  assert.deepEqual(error, { code: 'image_deleted', message, step: 'send', retryable: false });
  assert.equal(lab.sent.has(waiting.path), false);
  await state(atWork.id, 'success');

  const converted = await activeImage();
  const reached = Promise.withResolvers<void>();
  const deleted = Promise.withResolvers<void>();
  lab.answer = async (request, response) => {
    reached.resolve();
    await deleted.promise;
    await takes(request, response);
  };
  const late = await begin(converted, { disk_format: 'qcow2' });
  await reached.promise;
  await lab.call('DELETE', `/v2/images/${converted}`);
  deleted.resolve();
  await state(late.id, 'success');
  assert.ok(lab.sent.has(late.path));
  await requireNothing(late);
});

test('what it keeps takes room of the quota for staged data', async () => {
  await writeFile(lab.at('quotas.yaml'), 'default: { image_stage_total: 1 }\n');
  try {
    const begun = await held('convert');
    const used = async () => {
      const { usage } = (await lab.call('GET', '/v2/info/usage')) as {
        usage: { image_stage_total: { usage: number } };
      };
      return usage.image_stage_total.usage;
    };
    assert.ok((await used()) > 0);
    const full = await begin(await activeImage(), { disk_format: 'qcow2' });
    await state(full.id, 'failed');
    const { error } = (await lab.call('GET', full.self)) as { error: { code: string; step: string } };
    assert.deepEqual([error.code, error.step], ['quota_exceeded', 'read']);
    for (const { self, id } of [begun, full]) {
      await lab.call('DELETE', self);
      await state(id, 'cancelled');
    }
    assert.equal(await used(), 0);
  } finally {
    await writeFile(lab.at('quotas.yaml'), 'default: { image_size_total: 1000 }\n');
  }
  await lab.tidy();
});
