/** A server without a worker and a worker without the API, on one database: work waits, is carried out, and can be operated. */
import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tintype } from '../../packages/cli/src/testing/tintype.ts';
import { type ServerHome, type ServerProcess, until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { knownBytes } from './bytes.ts';
import { call, createImage, statusOf, tasksOf } from './calls.ts';
import { type Cluster, makeCluster } from './cluster.ts';

describe('roles of servers', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let cluster: Cluster;
  let front: ServerHome;
  let api: ServerProcess;
  let settings: Record<string, unknown>;

  before(async () => {
    cluster = await makeCluster();
    settings = { staging: { path: path.join(cluster.store, '../staging') } };
    front = await cluster.home(settings);
    api = await front.start({ role: 'api' });
  });
  after(async () => await cluster?.close());

  async function startImport(body = knownBytes('roles', 5000)): Promise<{ id: string; flow: string }> {
    const id = await createImage(api.url);
    const headers = { ...as('faults', 'member'), 'Content-Type': 'application/octet-stream' };
    const staged = await fetch(`${api.url}/v2/images/${id}/stage`, { method: 'PUT', headers, body });
    assert.equal(staged.status, 204);
    const order = { method: { name: 'glance-direct' } };
    assert.equal((await call(api.url, 'POST', `/v2/images/${id}/import`, order)).status, 202);
    const { tasks } = (await call(api.url, 'GET', `/v2/images/${id}/tasks`)).json;
    return { id, flow: tasks[0].id };
  }

  async function operate(...words: string[]) {
    return await tintype(['flow', ...words, '--config', front.config]);
  }

  test('what nobody carries out waits, says so, and can be cancelled', async () => {
    const { id, flow } = await startImport();
    const [task] = await tasksOf(api.url, id);
    assert.deepEqual([task!.status, task!.message], ['pending', 'Waiting for a worker']);
    const listed = await operate('list', '--open');
    assert.match(listed.stdout, new RegExp(`^${flow}  import-staged  waiting`, 'm'));
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    assert.match(metrics, /^tintype_flows\{state="waiting"\} 1$/m);

    assert.equal((await operate('cancel', flow)).code, 0);
    const shown = await operate('show', flow);
    assert.match(shown.stdout, /^state +waiting \(ending\)$/m);
  });

  test('a worker answers for its health and nothing else, and does what waits', async () => {
    const { id, flow } = await startImport();
    const back = await cluster.home(settings);
    const worker = await back.start({ role: 'worker' });
    assert.equal(getPriority(worker.pid) - getPriority(), 10, 'requests come first');
    await until('the image', async () => (await statusOf(api.url, id)) === 'active');
    assert.equal((await call(worker.url, 'GET', '/v2/images')).status, 404);
    assert.equal((await call(worker.url, 'GET', '/healthcheck')).status, 200);
    for (const state of ['success', 'cancelled'])
      await until(`the figure of state ${state}`, async () => {
        const metrics = (await call(worker.url, 'GET', '/metrics')).text;
        return metrics.includes(`tintype_flows_ended_total{flow="import-staged",state="${state}"} 1\n`);
      });

    const shown = await operate('show', flow, '--json');
    const { state, attempts } = JSON.parse(shown.stdout);
    assert.equal(state, 'success');
    assert.deepEqual(
      attempts.map(({ step }: { step: string }) => step),
      ['place:shared', 'activate'],
    );
    for (const verb of ['retry', 'cancel']) {
      const refused = await operate(verb, flow);
      assert.equal(refused.code, 5);
      assert.match(refused.stderr, /is success/);
    }
    assert.equal((await operate('show', 'none')).code, 3);
    worker.signal('SIGTERM');
    assert.deepEqual(await worker.exited, { code: 0, signal: null });
  });

  test('a role that is none is refused', async () => {
    const wrong = front.spawn({ role: 'api,cook' });
    const { code } = await wrong.exited;
    assert.notEqual(code, 0);
    assert.match(wrong.output, /--role takes api or worker, or both with a comma; not "cook"/);
  });
});
