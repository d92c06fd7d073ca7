/** Upkeep on a real server: what is overdue is given up and told, what somebody works on never is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { imageData, openLab, type ServerLab } from '../../../test/support/flow-lab.ts';
import { until } from '../../../test/support/process.ts';
import { as } from '../../../test/support/server.ts';
import { runUpkeep } from './operator-upkeep.ts';
import { upkeepJobs } from './upkeep/jobs.ts';

let lab: ServerLab;
before(async () => {
  lab = await openLab();
  // What the server does by itself must not be taken for ours.
  const ended = `SELECT id FROM tintype_engine.workflow_status JOIN flows ON workflow_uuid = id
    WHERE flows.name LIKE 'upkeep-%' AND status = 'SUCCESS'`;
  await until('the first round', async () => (await lab.rows(ended)).length === upkeepJobs.length, 60_000);
  lab.isWorking = false;
});
after(() => lab?.close());

async function age(id: string, days: number): Promise<void> {
  await lab.rows(`UPDATE images SET updated_at = now() - $2 * interval '1 day' WHERE id = $1`, [id, days]);
}

async function run(name: string, dryRun = false) {
  return await runUpkeep({ config: lab.at('config.yaml') }, { name, dryRun });
}

const statusOf = async (id: string) => (await lab.call('GET', `/v2/images/${id}`)).status;
const tasksOf = async (id: string) =>
  (await lab.call('GET', `/v2/images/${id}/tasks`)).tasks as {
    type: string;
    status: string;
    message: string;
    result: { error: { code: string } };
    expires_at: string | null;
  }[];

test('an image that no data came for is given up, and its tasks tell why', async () => {
  const [old, young] = [await lab.createImage(), await lab.createImage()];
  await age(old, 31);
  await age(young, 29);
  const dry = await run('expired-images', true);
  assert.deepEqual([dry.count, dry.ids, await statusOf(old)], [1, [old], 'queued']);
  assert.deepEqual((await run('expired-images')).ids, [old]);
  assert.deepEqual([await statusOf(old), await statusOf(young)], ['killed', 'queued']);
  const [task] = await tasksOf(old);
  assert.deepEqual(
    [task?.type, task?.status, task?.result.error.code],
    ['expire', 'failure', 'image_expired'],
  );
  assert.equal(task?.message, 'The image was given up: for 720 hours no data came.');
  const listed = (await lab.call('GET', '/v2/images')).images as { id: string }[];
  assert.ok(!listed.some(({ id }) => id === old) && listed.some(({ id }) => id === young));
  assert.equal((await run('expired-images')).count, 0);
});

test('staged data that nobody imports goes, with its room in the quota', async () => {
  const id = await lab.stagedImage();
  await age(id, 8);
  assert.deepEqual((await run('expired-images')).ids, [id]);
  assert.equal(await statusOf(id), 'killed');
  await until('an empty staging area', async () => (await lab.stagedFiles()).length === 0, 30_000);
  const usage = (await lab.call('GET', '/v2/info/usage')).usage as { image_stage_total: { usage: number } };
  assert.equal(usage.image_stage_total.usage, 0);
});

test('what somebody works on is never given up', async () => {
  const staged = await lab.stagedImage();
  await lab.startImport(staged, 'glance-direct', {});
  const saving = await lab.createImage();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const uploading = fetch(`${lab.app.url}/v2/images/${saving}/file`, {
    method: 'PUT',
    headers: { ...as('boss', 'admin'), 'Content-Type': 'application/octet-stream' },
    body: readable,
    duplex: 'half',
  });
  const writer = writable.getWriter();
  await writer.write(imageData);
  await until('the upload', async () => (await statusOf(saving)) === 'saving');
  for (const id of [staged, saving]) await age(id, 1000);
  assert.equal((await run('expired-images')).count, 0);
  await writer.close();
  assert.equal((await uploading).status, 204);
  lab.isWorking = true;
  await until('the import', async () => (await statusOf(staged)) === 'active');
  lab.isWorking = false;
});

test('an image whose import nobody does any more is given up', async () => {
  const id = await lab.createImage();
  await lab.rows(
    `UPDATE images SET status = 'importing', properties = '{"os_glance_import_task": "lost"}' WHERE id = $1`,
    [id],
  );
  await age(id, 2);
  assert.deepEqual((await run('expired-images')).ids, [id]);
  assert.equal(await statusOf(id), 'killed');
  assert.match((await tasksOf(id))[0]!.message, /nobody was at work on the import/);
});

test('a killed image is deleted at last, its id stays taken, and its reason goes as tasks do', async () => {
  const id = await lab.createImage();
  await lab.call('POST', `/v2/images/${id}/actions/fail`, { message: 'The snapshot failed.' });
  await age(id, 6);
  assert.equal((await run('killed-images', true)).count, 0);
  await age(id, 8);
  assert.ok((await run('killed-images')).ids.includes(id));
  assert.equal((await lab.ask('GET', `/v2/images/${id}`)).status, 404);
  assert.equal((await lab.ask('POST', '/v2/images', { id })).status, 409);
  const [task] = await lab.rows('SELECT expires_at > now() AS kept FROM tasks WHERE image_id = $1', [id]);
  assert.deepEqual(task, { kept: true });
  await lab.rows(`UPDATE tasks SET expires_at = now() - interval '1 day' WHERE image_id = $1`, [id]);
  await run('expired-tasks');
  assert.deepEqual(await lab.rows('SELECT id FROM tasks WHERE image_id = $1', [id]), []);
});

test('what delayed deletion has kept long enough is deleted', async () => {
  const id = await lab.createImage();
  const deletedAgo = (days: number) =>
    lab.rows(
      `UPDATE images SET status = 'pending_delete', deleted_at = now() - $2 * interval '1 day' WHERE id = $1`,
      [id, days],
    );
  await deletedAgo(0.9);
  assert.equal((await run('deleted-images')).count, 0);
  await deletedAgo(1.1);
  assert.deepEqual((await run('deleted-images', true)).ids, [id]);
  assert.deepEqual((await run('deleted-images')).ids, [id]);
  assert.equal((await lab.ask('GET', `/v2/images/${id}`)).status, 404);
});

test('a job that is none is refused, and names those that are', async () => {
  await assert.rejects(run('everything'), { code: 'not_found', message: /expired-images, killed-images/ });
});

test('every job is done once an hour, and counted', async () => {
  const flows = await lab.rows(
    `SELECT name, count(*)::int FROM flows WHERE name LIKE 'upkeep-%' GROUP BY name`,
  );
  assert.equal(flows.length, upkeepJobs.length);
  const text = await (await fetch(`${lab.app.url}/metrics`)).text();
  assert.match(text, /# TYPE tintype_upkeep_total counter/);
});
