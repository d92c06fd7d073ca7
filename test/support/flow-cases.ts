/** The flows that the server has, each with real input, and what a test of it runs with. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, before } from 'node:test';
import type { ActionParts } from '../../packages/server/src/actions/parts.ts';
import { allFlows } from '../../packages/server/src/app-flows.ts';
import type { FlowCase, FlowLab, StartedFlow } from '../../packages/server/src/flows/flow.contract.ts';
import { cancelFlow } from '../../packages/server/src/flows/operate.ts';
import { purgeFlow } from '../../packages/server/src/flows/purge.ts';
import type { UpkeepFlowParts } from '../../packages/server/src/upkeep/upkeep-flow.ts';
import { imageData, openLab, type ServerLab } from './flow-lab.ts';

export const knownFlows = allFlows({} as ActionParts, {} as UpkeepFlowParts).map(({ name }) => name);

let server: ServerLab;
/** The next worker to die is started while the one before is at work. */
let spare: Promise<ChildProcess>;

before(async () => {
  server = await openLab();
  spare = server.forkWorker();
});
after(async () => {
  await spare?.catch(() => {});
  await server?.close();
});

export const lab: FlowLab = {
  intercept(reach) {
    server.reach = reach;
  },
  work(on) {
    server.isWorking = on;
  },
  async dyingWorker(place, failAt) {
    const worker = await spare;
    const died = once(worker, 'exit').then(([, signal]) => assert.equal(signal, 'SIGKILL'));
    await server.command(worker, { hit: { ...place, signal: 'SIGKILL' }, failAt });
    spare = server.forkWorker();
    return { died };
  },
  ended: (id) => server.ended(id),
  cancel: (id) => cancelFlow(server.engine, server.database, id),
  tidy: () => server.tidy(),
};

/** Into both stores. */
function startedImport(image: string, id: string): StartedFlow {
  const stagedFiles = async () => (await server.stagedFiles()).filter((name) => name.startsWith(image));
  return {
    id,
    async goal() {
      const { status, size } = await server.freeImage(image);
      assert.deepEqual([status, size], ['active', imageData.length]);
      assert.deepEqual(await server.storesOf(image), ['one', 'two']);
      assert.deepEqual(await stagedFiles(), []);
    },
    async nothing() {
      const { status, size, os_hash_value } = await server.freeImage(image);
      assert.deepEqual([status, size, os_hash_value], ['queued', null, null]);
      assert.deepEqual(await server.storesOf(image), []);
      assert.deepEqual(await stagedFiles(), []);
      const { tasks } = await server.call('GET', `/v2/images/${image}/tasks`);
      assert.equal((tasks as { status: string }[])[0]!.status, 'failure');
    },
  };
}

export const stagedImport: FlowCase = {
  flow: 'import-staged',
  async start() {
    const image = await server.stagedImage();
    const id = await server.startImport(image, 'glance-direct', { stores: ['one', 'two'] });
    return startedImport(image, id);
  },
};

export const webImport: FlowCase = {
  flow: 'import-from-web',
  async start() {
    const image = await server.createImage();
    const uri = `${server.web.url}/image.raw`;
    const id = await server.startImport(image, 'web-download', { stores: ['one', 'two'] }, uri);
    return startedImport(image, id);
  },
};

export const taskImport: FlowCase = {
  flow: 'import-task',
  async start() {
    const { id, image_id } = await server.call('POST', '/v2/tasks', {
      type: 'import',
      input: {
        import_from: `${server.web.url}/image.raw`,
        import_from_format: 'raw',
        image_properties: { name: 'x' },
      },
    });
    const image = image_id as string;
    return {
      id: id as string,
      async goal() {
        const { status, size } = await server.freeImage(image);
        assert.deepEqual([status, size], ['active', imageData.length]);
        assert.deepEqual(await server.storesOf(image), ['one']);
      },
      async nothing() {
        assert.equal((await server.ask('GET', `/v2/images/${image}`)).status, 404);
        assert.deepEqual(await server.storesOf(image), []);
        assert.ok((await server.stagedFiles()).every((name) => !name.startsWith(image)));
        assert.equal((await server.call('GET', `/v2/tasks/${id}`)).status, 'failure');
      },
    };
  },
};

export const copy: FlowCase = {
  flow: 'copy-image',
  async start() {
    const image = await server.createImage();
    await server.call('PUT', `/v2/images/${image}/file`, imageData);
    const id = await server.startImport(image, 'copy-image', { stores: ['two'] });
    const check = async (stores: string[]) => {
      assert.equal((await server.freeImage(image)).status, 'active');
      assert.deepEqual(await server.storesOf(image), stores);
    };
    return { id, goal: () => check(['one', 'two']), nothing: () => check(['one']) };
  },
};

export const purge: FlowCase = {
  flow: purgeFlow,
  oneWay: true,
  async start() {
    const { id: old } = await stagedImport.start();
    await server.ended(old);
    await server.rows(`UPDATE tintype_engine.workflow_status SET completed_at = 1 WHERE workflow_uuid = $1`, [
      old,
    ]);
    const id = randomUUID();
    const order = { id, flow: purgeFlow, input: { keepHours: 1 }, project: null, subject: null };
    await server.database.transaction((queries) => server.engine.start(queries, order));
    return {
      id,
      goal: () => assert.rejects(server.view(old), { code: 'flow_not_found' }),
      async nothing() {},
    };
  },
};

/** An hourly job with something to do. */
function upkeep(job: string, prepare: () => Promise<() => Promise<void>>): FlowCase {
  const flow = `upkeep-${job}`;
  return {
    flow,
    oneWay: true,
    async start() {
      const goal = await prepare();
      const id = randomUUID();
      const order = { id, flow, input: {}, project: null, subject: null };
      await server.database.transaction((queries) => server.engine.start(queries, order));
      return { id, goal, async nothing() {} };
    },
  };
}

async function agedImage(kill: boolean): Promise<string> {
  const id = await server.createImage();
  if (kill) await server.call('POST', `/v2/images/${id}/actions/fail`, { message: 'No data will come.' });
  await server.rows(`UPDATE images SET updated_at = now() - interval '100 days' WHERE id = $1`, [id]);
  return id;
}

const expiredImages = upkeep('expired-images', async () => {
  const id = await agedImage(false);
  return async () => assert.equal((await server.call('GET', `/v2/images/${id}`)).status, 'killed');
});

const killedImages = upkeep('killed-images', async () => {
  const id = await agedImage(true);
  return async () => assert.equal((await server.ask('GET', `/v2/images/${id}`)).status, 404);
});

const deletedImages = upkeep('deleted-images', async () => {
  const id = await agedImage(false);
  await server.rows(
    `UPDATE images SET status = 'pending_delete', deleted_at = now() - interval '100 days' WHERE id = $1`,
    [id],
  );
  return async () => assert.equal((await server.ask('GET', `/v2/images/${id}`)).status, 404);
});

const expiredTasks = upkeep('expired-tasks', async () => {
  const id = await agedImage(true);
  await server.rows(`UPDATE tasks SET expires_at = now() - interval '1 day' WHERE image_id = $1`, [id]);
  return async () => assert.deepEqual((await server.call('GET', `/v2/images/${id}/tasks`)).tasks, []);
});

export const upkeepCases = [expiredImages, killedImages, deletedImages, expiredTasks];

export const allCases: readonly FlowCase[] = [
  stagedImport,
  webImport,
  taskImport,
  copy,
  purge,
  ...upkeepCases,
];
