/** An import that nothing was heard of for long loses its image to the next, and is in nobody's way when it comes back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { imageData, openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { until } from '../../../../test/support/process.ts';

let lab: ServerLab;
before(async () => {
  lab = await openLab();
});
beforeEach(() => {
  lab.isWorking = false;
});
afterEach(() => lab.tidy());
after(() => lab?.close());

async function activeImage(): Promise<string> {
  const image = await lab.createImage();
  await lab.call('PUT', `/v2/images/${image}/file`, imageData);
  return image;
}

const copy = (image: string) => lab.startImport(image, 'copy-image', { stores: ['two'] });
const holderOf = async (image: string) =>
  (await lab.call('GET', `/v2/images/${image}`)).os_glance_import_task;

async function refusedCopy(image: string): Promise<void> {
  const order = { method: { name: 'copy-image' }, stores: ['two'] };
  const { status, body } = await lab.ask('POST', `/v2/images/${image}/import`, order);
  const { reason } = body.error as { reason: string };
  assert.deepEqual([status, reason], [409, 'image_busy']);
}

/** Makes the flow look as if it had been started, and had moved last, so many minutes ago. */
async function age(flow: string, minutes: number): Promise<void> {
  const ago = `now() - interval '${minutes} minutes'`;
  await lab.rows(`UPDATE flows SET created_at = ${ago} WHERE id = $1`, [flow]);
  await lab.rows(`UPDATE flow_attempts SET moved_at = ${ago} WHERE flow = $1`, [flow]);
}

describe('an import that waits for a worker', () => {
  test('keeps its image for two hours, then loses it to the next', async () => {
    const image = await activeImage();
    const first = await copy(image);
    await age(first, 119);
    await refusedCopy(image);
    await age(first, 121);
    const second = await copy(image);
    assert.notEqual(second, first);
    assert.equal(await holderOf(image), second);
    const task = await lab.call('GET', `/v2/tasks/${first}`);
    assert.deepEqual(
      [task.status, task.message],
      ['failure', 'Nothing was heard of it for long: another import took over.'],
    );

    lab.isWorking = true;
    assert.equal((await lab.ended(first)).state, 'cancelled');
    assert.equal((await lab.ended(second)).state, 'success');
    assert.deepEqual(await lab.storesOf(image), ['one', 'two']);
    await lab.freeImage(image);
  });
});

describe('an import whose worker stands still', () => {
  test('loses its image after an hour, and writes nothing when it wakes', async () => {
    const image = await activeImage();
    const worker = await lab.forkWorker();
    const hit = { record: 'place:two', when: 'progress', signal: 'SIGSTOP' } as const;
    await lab.command(worker, { hit, failAt: null });
    const first = await copy(image);
    await until('its attempt to stand still', async () => {
      return (
        (await lab.rows(`SELECT 1 FROM flow_attempts WHERE flow = $1 AND state = 'lost'`, [first])).length > 0
      );
    });
    await age(first, 59);
    await refusedCopy(image);
    await age(first, 121);
    const second = await copy(image);
    assert.equal(await holderOf(image), second);
    lab.isWorking = true;
    assert.equal((await lab.ended(second)).state, 'success');
    worker.kill('SIGCONT');
    assert.equal((await lab.ended(first)).state, 'cancelled');
    await until('one object in each store', () =>
      lab.storesOf(image).then(
        (stores) => stores.length === 2,
        () => false,
      ),
    );
    await lab.freeImage(image);
    const gone = once(worker, 'exit');
    worker.kill('SIGTERM');
    await gone;
  });
});
