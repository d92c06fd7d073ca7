/** Imports that bring an image about, after something went wrong: what is kept, what goes on, what goes away. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { until } from '../../../../test/support/process.ts';
import { Failure } from '../base/failure.ts';
import { upkeepJob } from '../upkeep/jobs.ts';

let lab: ServerLab;
before(async () => {
  lab = await openLab();
});
afterEach(() => {
  lab.reach = null;
});
after(() => lab?.close());

interface Begun {
  readonly id: string;
  readonly path: string;
  readonly image: string;
}

async function begin(): Promise<Begun> {
  const { id, self } = await lab.call('POST', '/v2/image-imports', {
    location: `${lab.web.url}/image.raw`,
    image_properties: { name: 'x', disk_format: 'raw' },
    stores: ['one', 'two'],
  });
  const [row] = await lab.rows('SELECT image_id FROM actions WHERE id = $1', [id]);
  return { id: id as string, path: self as string, image: row!.image_id as string };
}

/** One whose step fails in a way that can be put right. */
async function held(step: string): Promise<Begun> {
  lab.reach = ({ record, when }) => {
    if (record === step && when === 'before') throw new Failure('store_full', 'A test says it is full.');
  };
  const begun = await begin();
  assert.equal((await lab.ended(begun.id)).state, 'failed');
  lab.reach = null;
  const { status, error } = await lab.call('GET', begun.path);
  assert.deepEqual(
    [status, error],
    ['failure', { code: 'store_full', message: 'A test says it is full.', step, retryable: true }],
  );
  return begun;
}

async function requireNothing({ image }: Begun): Promise<void> {
  assert.equal((await lab.ask('GET', `/v2/images/${image}`)).status, 404);
  assert.deepEqual(await lab.storesOf(image), []);
  assert.deepEqual(await lab.rows('SELECT id FROM image_drafts WHERE id = $1', [image]), []);
  await lab.tidy();
}

const state = (id: string, wanted: string) =>
  until(`state ${wanted}`, async () => (await lab.view(id)).state === wanted);

async function expire(dryRun: boolean): Promise<string[]> {
  const told: string[] = [];
  const none = {
    queuedHours: 0,
    stagedHours: 0,
    stuckHours: 0,
    killedHours: 0,
    eventHours: 0,
    eventCount: 0,
  };
  const limits = { ...none, actionHours: 48 };
  await upkeepJob('expired-actions').run(
    { database: lab.database, engine: lab.engine, limits, scrubMs: 0 },
    { dryRun, tell: (id) => told.push(id), signal: new AbortController().signal },
  );
  return told;
}

/** As if it had ended three days ago. */
async function age({ id }: Begun): Promise<void> {
  const past = `now() - interval '72 hours'`;
  await lab.rows(`UPDATE actions SET ended_at = ${past}, updated_at = ${past} WHERE id = $1`, [id]);
  await lab.rows(
    `UPDATE tintype_engine.workflow_status SET completed_at = extract(epoch FROM ${past}) * 1000
     WHERE workflow_uuid = $1`,
    [id],
  );
}

test('a retry repeats no step that was done, and needs the source no more', async () => {
  const begun = await held('place:two');
  const asked = lab.web.requests.length;
  await lab.call('POST', `${begun.path}/retry`);
  await state(begun.id, 'success');
  const { attempts } = await lab.view(begun.id);
  const done = attempts.filter((one) => one.state === 'done').map(({ step }) => step);
  assert.deepEqual(
    done.filter((step) => step !== 'last word'),
    ['fetch', 'verify', 'place:one', 'place:two', 'create'],
  );
  assert.equal(lab.web.requests.length, asked);
  assert.deepEqual(await lab.storesOf(begun.image), ['one', 'two']);
  assert.equal((await lab.freeImage(begun.image)).status, 'active');
});

test('one that was about to create its image creates none once it is forgotten or cancelled', async () => {
  const forgotten = await held('create');
  await lab.call('DELETE', forgotten.path);
  await state(forgotten.id, 'cancelled');
  await requireNothing(forgotten);
  const cancelled = await held('create');
  await lab.call('POST', `${cancelled.path}/cancel`);
  await state(cancelled.id, 'cancelled');
  assert.equal((await lab.call('GET', cancelled.path)).status, 'cancelled');
  await requireNothing(cancelled);
});

test('forgotten while it works, it creates nothing', async () => {
  let asked: Promise<unknown> | undefined;
  let path: string | undefined;
  lab.reach = ({ record, when }) => {
    if (record === 'create' && when === 'before') asked ??= lab.call('DELETE', path!);
  };
  lab.isWorking = false;
  const begun = await begin();
  path = begun.path;
  lab.isWorking = true;
  const { state: end } = await lab.ended(begun.id);
  await asked;
  assert.equal((await lab.ask('GET', begun.path)).status, 404);
  // The two came at the same moment: either there is an image, or nothing at all.
  if (end === 'success') assert.equal((await lab.freeImage(begun.image)).status, 'active');
  else await requireNothing(begun);
});

test('what has failed is where it failed, until that is on record and afterwards', async () => {
  lab.reach = ({ record, when }) => {
    if (when !== 'before') return;
    if (record === 'verify') throw new Failure('store_unavailable', 'A test says that it is away.');
    if (record === 'last word') throw new Failure('unavailable', 'A test says that it is not the time.');
  };
  const { id, path } = await begin();
  await until('its last word', async () => {
    const rows = await lab.rows("SELECT id FROM flow_attempts WHERE flow = $1 AND step = 'last word'", [id]);
    return rows.length > 0;
  });
  const told = async () => {
    const { status, progress, attempt, error } = await lab.call('GET', path);
    const { step } = (progress ?? error) as { step: string };
    return [status, step, attempt];
  };
  assert.deepEqual(await told(), ['verifying', 'verify', 3]);
  lab.reach = null;
  await lab.ended(id);
  assert.deepEqual(await told(), ['failure', 'verify', 3]);
  await lab.call('DELETE', path);
  await state(id, 'cancelled');
});

test('what has expired is not found; upkeep says so first, then takes away what was kept', async () => {
  const old = await held('place:two');
  const young = await held('place:two');
  await age(old);
  assert.equal((await lab.ask('GET', old.path)).status, 404);
  assert.deepEqual(await expire(true), [old.id]);
  assert.equal((await lab.rows('SELECT id FROM actions WHERE id = $1', [old.id])).length, 1);
  assert.deepEqual(await expire(false), [old.id]);
  await state(old.id, 'cancelled');
  assert.deepEqual(await lab.rows('SELECT id FROM actions WHERE id = $1', [old.id]), []);
  assert.deepEqual(await lab.storesOf(old.image), []);
  await lab.call('POST', `${young.path}/retry`);
  await state(young.id, 'success');
  assert.deepEqual(await expire(false), []);
  await lab.tidy();
});

test('what the engine has forgotten meanwhile leaves nothing either', async () => {
  const old = await held('place:two');
  await age(old);
  await lab.engine.client.deleteWorkflows([old.id]);
  await lab.rows('DELETE FROM flows WHERE id = $1', [old.id]);
  assert.deepEqual(await expire(false), [old.id]);
  await until(
    'its bytes gone',
    async () => {
      const left = await lab.rows('SELECT id FROM image_locations WHERE image_id = $1', [old.image]);
      return left.length === 0;
    },
    30_000,
  );
  await requireNothing(old);
});
