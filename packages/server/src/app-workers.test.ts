/** Imports carried out by processes that stop, die again and again, or work side by side. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { openLab, type ServerLab } from '../../../test/support/flow-lab.ts';
import { until } from '../../../test/support/process.ts';

let lab: ServerLab;

before(async () => {
  lab = await openLab(600);
});
after(() => lab?.close());

const inTheMiddle = { record: 'place:one', when: 'progress' } as const;
const toBoth = { stores: ['one', 'two'] };

describe('an import in the hands of another process', () => {
  test('that is stopped for long goes on elsewhere, and what wakes up writes nothing', async () => {
    const worker = await lab.forkWorker();
    lab.isWorking = false;
    await lab.command(worker, { hit: { ...inTheMiddle, signal: 'SIGSTOP' }, failAt: null });
    const image = await lab.stagedImage();
    const id = await lab.startImport(image, 'glance-direct', toBoth);
    const before = await until('its attempt', async () => (await lab.view(id)).attempts[0]);
    lab.isWorking = true;
    const flow = await lab.ended(id);
    assert.equal(flow.state, 'success');
    assert.deepEqual(await lab.storesOf(image), ['one', 'two']);

    worker.kill('SIGCONT');
    await until('its new life', async () => {
      const rows = await lab.rows('SELECT id FROM flow_workers WHERE pid = $1 AND id <> $2', [
        worker.pid,
        before.worker,
      ]);
      return rows.length === 1;
    });
    // What it wrote when it woke up goes with it.
    await until('only what is recorded', () =>
      lab.storesOf(image).then(
        (stores) => stores.length === 2,
        () => false,
      ),
    );
    assert.deepEqual(
      (await lab.view(id)).attempts.map(({ step, state }) => `${step} ${state}`),
      ['place:one lost', 'place:one done', 'place:two done', 'activate done'],
    );
    const gone = once(worker, 'exit');
    worker.kill('SIGTERM');
    await gone;
  });

  test('that gets SIGTERM is given back at once, and no attempt is lost', async () => {
    const worker = await lab.forkWorker();
    lab.isWorking = false;
    await lab.command(worker, { hit: { ...inTheMiddle, signal: 'SIGTERM' }, failAt: null });
    const image = await lab.stagedImage();
    const gone = once(worker, 'exit');
    const id = await lab.startImport(image, 'glance-direct', toBoth);
    assert.deepEqual(await gone, [0, null]);
    lab.isWorking = true;
    const flow = await lab.ended(id);
    assert.equal(flow.state, 'success');
    assert.equal(flow.attempts.filter(({ state }) => state === 'lost').length, 0);
    assert.deepEqual(await lab.storesOf(image), ['one', 'two']);
  });

  test('that dies of it again and again fails visibly, and leaves nothing', async () => {
    lab.isWorking = false;
    const image = await lab.stagedImage();
    const id = await lab.startImport(image, 'glance-direct', toBoth);
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const worker = await lab.forkWorker();
      const gone = once(worker, 'exit');
      await lab.command(worker, { hit: { ...inTheMiddle, signal: 'SIGKILL' }, failAt: null });
      assert.deepEqual(await gone, [null, 'SIGKILL']);
    }
    lab.isWorking = true;
    const flow = await lab.ended(id);
    assert.equal(flow.failure?.code, 'worker_lost');
    assert.equal((await lab.freeImage(image)).status, 'queued');
    assert.deepEqual(await lab.storesOf(image), []);
    const { tasks } = await lab.call('GET', `/v2/images/${image}/tasks`);
    assert.match(JSON.stringify(tasks), /"failure".*died several times/);
  });
});

test('an image that is deleted in the middle of its import leaves nothing', async () => {
  const image = await lab.stagedImage();
  let deleted: Promise<unknown> | undefined;
  lab.reach = ({ record, when }) => {
    if (record === 'place:two' && when === 'progress') deleted ??= lab.call('DELETE', `/v2/images/${image}`);
  };
  const id = await lab.startImport(image, 'glance-direct', toBoth);
  const flow = await lab.ended(id);
  lab.reach = null;
  await deleted;
  assert.notEqual(flow.state, 'success');
  assert.deepEqual(await lab.storesOf(image), []);
  const { message } = await lab.call('GET', `/v2/tasks/${id}`);
  assert.match(String(message), /was deleted during the import/);
});

test('two workers share sixty imports, and no step is done twice', async () => {
  const worker = await lab.forkWorker();
  await lab.command(worker, { hit: null, failAt: null });
  const images = await Promise.all(Array.from({ length: 60 }, () => lab.stagedImage()));
  const ids = await Promise.all(images.map((image) => lab.startImport(image, 'glance-direct', toBoth)));
  for (const [index, id] of ids.entries()) {
    const { state, attempts } = await lab.ended(id);
    assert.equal(state, 'success');
    assert.deepEqual(
      attempts.map(({ step, state: end }) => `${step} ${end}`),
      ['place:one done', 'place:two done', 'activate done'],
    );
    assert.deepEqual(await lab.storesOf(images[index]!), ['one', 'two']);
  }
});

test('at the end nothing is left anywhere', () => lab.tidy());
