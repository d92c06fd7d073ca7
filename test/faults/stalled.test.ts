/** Work that stalls, fails or is ended: what the API, the command and the figures say of it, and what an operator does about it. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { tintype } from '../../packages/cli/src/testing/tintype.ts';
import { openLab, type ServerLab } from '../support/flow-lab.ts';
import { until } from '../support/process.ts';
import { take } from '../support/web-source.ts';

type Json = Record<string, unknown>;

let lab: ServerLab;
let image: string;
/** Answers the PUT that waits. */
let release: (() => void) | null;
/** How the place answers: null: not before `release` is called. */
let status: number | null;

before(async () => {
  // Hearts beat so seldom that what a test writes down of them stays, and nobody takes the dead for dead.
  lab = await openLab(600_000);
  lab.answer = async (request, response: ServerResponse) => {
    if (status === null)
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    if (status === null || status === 201) await take(request, response);
    else request.resume().on('end', () => response.writeHead(status!).end());
  };
  image = await lab.createImage();
  await lab.call('PUT', `/v2/images/${image}/file`, Buffer.alloc(100_000));
});
beforeEach(() => {
  release = null;
  status = null;
  lab.isWorking = true;
});
after(async () => {
  release?.();
  await lab?.close();
});

async function start(): Promise<string> {
  const location = `${lab.web.url}/place`;
  return (await lab.call('POST', '/v2/image-exports', { image_ref: image, location })).id as string;
}

const show = (id: string) => lab.call('GET', `/v2/image-exports/${id}`);
const atWork = (id: string) =>
  until('the data on its way', async () => release !== null && (await lab.view(id)).attempts[0]);

async function operate(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await tintype(['flow', ...words, '--config', lab.at('config.yaml')]);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What the command says of one flow among those that are open. */
async function listed(id: string): Promise<Json> {
  const flows = JSON.parse(await operate('list', '--open', '--json')) as Json[];
  return flows.find((flow) => flow.id === id)!;
}

const figures = async () => await (await fetch(`${lab.app.url}/metrics`)).text();

async function requireStalled(id: string, how: 'worker-lost' | 'no-progress', words: RegExp): Promise<void> {
  const { status: shown, stalled, message, error } = await show(id);
  assert.deepEqual([shown, stalled, error], ['uploading', true, undefined]);
  assert.match(String(message), words);
  const { state, stalled: why, step } = await listed(id);
  assert.deepEqual([state, why, step], ['stalled', how, 'send']);
  assert.match(await operate('show', id), new RegExp(`^state +stalled \\(${how}\\)$`, 'm'));
  assert.match(await operate('list', '--open'), new RegExp(`^${id} .* stalled \\(${how}\\) `, 'm'));
  assert.match(await figures(), /^tintype_flows\{state="stalled"\} 1$/m);
}

async function succeed(id: string): Promise<void> {
  release!();
  await until('success', async () => (await show(id)).status === 'success');
}

describe('work under way', () => {
  test('that moves is running', async () => {
    const id = await start();
    const { worker } = await atWork(id);
    await lab.rows('UPDATE flow_workers SET beat_at = now() WHERE id = $1', [worker]);
    const { status: shown, stalled, heartbeat_at: beat, progress } = await show(id);
    assert.deepEqual([shown, stalled, typeof beat], ['uploading', false, 'string']);
    assert.equal((progress as Json).step, 'send');
    assert.equal((await lab.view(id)).state, 'running');
    assert.match(await figures(), /^tintype_flows\{state="stalled"\} 0$/m);
    await succeed(id);
  });

  test('of which nothing moves is told as stalled', async () => {
    const id = await start();
    const { worker } = await atWork(id);
    await lab.rows(`UPDATE flow_workers SET beat_at = now() + interval '1 hour' WHERE id = $1`, [worker]);
    await lab.rows(`UPDATE flow_attempts SET moved_at = now() - interval '16 seconds' WHERE flow = $1`, [id]);
    await requireStalled(id, 'no-progress', /nothing has moved for a while$/);
    await succeed(id);
  });

  test('whose worker gives no sign is told as stalled', async () => {
    lab.isWorking = false;
    const worker = await lab.forkWorker();
    await lab.command(worker, {
      hit: { record: 'send', when: 'progress', signal: 'SIGSTOP' },
      failAt: null,
    });
    const id = await start();
    const { worker: itself } = await until('its attempt', async () => (await lab.view(id)).attempts[0]);
    await lab.rows(`UPDATE flow_workers SET beat_at = now() - interval '7 seconds' WHERE id = $1`, [itself]);
    await requireStalled(id, 'worker-lost', /the worker is lost, another takes over$/);
    status = 201;
    worker.kill('SIGCONT');
    await until('success', async () => (await show(id)).status === 'success');
  });
});

describe('an operator', () => {
  async function failed(): Promise<string> {
    status = 403;
    const id = await start();
    await until('its failure', async () => (await show(id)).status === 'failure');
    return id;
  }

  test('sees why one failed, and lets it go on', async () => {
    const id = await failed();
    const shown = JSON.parse(await operate('show', id, '--json'));
    assert.deepEqual(
      [shown.state, shown.resumable, shown.failure.code, shown.failure.step],
      ['failed', true, 'target_refused', 'send'],
    );
    const newest = JSON.parse(await operate('list', '--limit', '1', '--json'));
    assert.deepEqual([newest.length, newest[0].id, newest[0].state], [1, id, 'failed']);
    assert.equal(await operate('list', '--limit', '1', '--quiet'), `${id}\n`);
    assert.match(await operate('list'), new RegExp(`^${id} .* failed \\(resumable\\) `, 'm'));
    status = 201;
    assert.deepEqual(JSON.parse(await operate('retry', id, '--json')), { retried: id });
    await until('success', async () => (await show(id)).status === 'success');
  });

  test('ends one that failed, one that waits and one under way', async () => {
    const held = await failed();
    lab.isWorking = false;
    const waiting = await start();
    for (const id of [held, waiting])
      assert.deepEqual(JSON.parse(await operate('cancel', id, '--json')), { cancelled: id });
    lab.isWorking = true;
    // What begins now has the worker look for what waits.
    await failed();
    for (const id of [held, waiting])
      await until('its end', async () => (await lab.view(id)).state === 'cancelled');
    assert.equal((await show(waiting)).status, 'cancelled');
  });
});
