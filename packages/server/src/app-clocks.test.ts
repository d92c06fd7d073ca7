/** Workers whose clocks are hours wrong, each in its own way, and jump: work goes on as if they were right. */
// First, so that nothing has asked what time it is before.
import '../../../test/support/skewed-clock.ts';

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { openLab, type ServerLab } from '../../../test/support/flow-lab.ts';
import { until } from '../../../test/support/process.ts';
import { skewClock } from '../../../test/support/skewed-clock.ts';

const hours = 3_600_000;

let lab: ServerLab;
before(async () => {
  lab = await openLab(1500);
  lab.isWorking = false;
});
after(() => lab?.close());

/** Workers that take up flows while `work` runs, each with a clock that is so many milliseconds wrong. */
async function withWorkers<T>(skews: number[], work: (workers: ChildProcess[]) => Promise<T>): Promise<T> {
  const workers = await Promise.all(skews.map((skew) => lab.forkWorker(skew)));
  try {
    for (const one of workers) await lab.command(one, { hit: null, failAt: null });
    return await work(workers);
  } finally {
    for (const one of workers) {
      const gone = once(one, 'exit');
      one.kill('SIGTERM');
      await gone;
    }
  }
}

/** Of an image and its task: whether they were changed within the last hour. */
const lately = ['images WHERE id', 'tasks WHERE image_id']
  .map((rows) => `SELECT now() - updated_at BETWEEN '-1 hour' AND '1 hour' AS was_now FROM ${rows} = $1`)
  .join(' UNION ALL ');

const start = async () => {
  const image = await lab.stagedImage();
  return { image, id: await lab.startImport(image, 'glance-direct', { stores: ['one', 'two'] }) };
};

describe('workers whose clocks are wrong', () => {
  test('take up what there is, neither judges the other dead, and a jump changes nothing', () =>
    withWorkers([-5 * hours, 7 * hours], async (workers) => {
      const ids = async () => (await lab.rows('SELECT id FROM flow_workers ORDER BY id')).map(({ id }) => id);
      const known = await ids();
      for (let round = 1; round <= 3; round += 1) {
        const flows = await Promise.all(Array.from({ length: 6 }, start));
        for (const { image, id } of flows) {
          const { state, attempts, createdAt } = await lab.ended(id);
          assert.equal(state, 'success');
          assert.deepEqual(
            attempts.map(({ step, state: end }) => `${step} ${end}`),
            ['place:one done', 'place:two done', 'activate done'],
          );
          assert.ok(Math.abs(createdAt.getTime() - Date.now()) < hours, 'it was started now');
          assert.deepEqual(await lab.storesOf(image), ['one', 'two']);
          assert.deepEqual(await lab.rows(lately, [image]), [{ was_now: true }, { was_now: true }]);
        }
        for (const one of workers) one.kill('SIGUSR2');
      }
      assert.deepEqual(await ids(), known);
    }));

  test('are found dead when they are, and their work is taken up by one of another time', async () => {
    const dying = await lab.forkWorker(7 * hours);
    const gone = once(dying, 'exit');
    const hit = { record: 'place:two', when: 'progress', signal: 'SIGKILL' } as const;
    await lab.command(dying, { hit, failAt: null });
    const { image, id } = await start();
    await gone;
    await withWorkers([-5 * hours], async () => assert.equal((await lab.ended(id)).state, 'success'));
    assert.deepEqual(await lab.storesOf(image), ['one', 'two']);
  });

  test('do not forget what is new to everybody else', () =>
    withWorkers([1000 * hours], async () => {
      const { id } = await start();
      await lab.ended(id);
      const order = { flow: 'upkeep-expired-tasks', input: {}, project: null, subject: null };
      const upkeep = 'upkeep-of-the-test';
      await lab.database.transaction((queries) => lab.engine.start(queries, { id: upkeep, ...order }));
      assert.equal((await lab.ended(upkeep)).state, 'success');
      const [task] = await lab.rows('SELECT expires_at FROM tasks WHERE id = $1', [id]);
      const keeps = (task!.expires_at as Date).getTime() - Date.now();
      assert.ok(keeps > 40 * hours && keeps < 50 * hours, `kept for ${keeps / hours} hours`);
    }));
});

test('a server whose clock is wrong shows what has just ended, and nothing that has expired', async () => {
  lab.isWorking = true;
  const { id } = await lab.call('POST', '/v2/image-imports', {
    location: `${lab.web.url}/image.raw`,
    image_properties: { name: 'x', disk_format: 'raw' },
  });
  const path = `/v2/image-imports/${id}`;
  await until('success', async () => (await lab.call('GET', path)).status === 'success');
  const isListed = async () => {
    const { image_actions: actions } = await lab.call('GET', '/v2/image-actions');
    return (actions as { id: string }[]).some((one) => one.id === id);
  };
  try {
    skewClock(1000 * hours);
    const { status, created_at: begun, 'expires-by': end } = await lab.call('GET', path);
    assert.equal(status, 'success');
    const keeps = Date.parse(String(end)) - Date.parse(String(begun));
    assert.ok(keeps > 47 * hours && keeps < 49 * hours, `kept for ${keeps / hours} hours`);
    assert.ok(await isListed());

    skewClock(-1000 * hours);
    await lab.rows(`UPDATE actions SET ended_at = now() - interval '49 hours' WHERE id = $1`, [id]);
    assert.equal((await lab.ask('GET', path)).status, 404);
    assert.ok(!(await isListed()));
  } finally {
    skewClock(0);
  }
});

test('at the end nothing is left anywhere', async () => {
  lab.isWorking = true;
  await until('no flow under way', async () => {
    const open = await lab.rows(
      `SELECT 1 FROM tintype_engine.workflow_status WHERE status IN ('ENQUEUED', 'PENDING')`,
    );
    return open.length === 0;
  });
  await lab.tidy();
});
