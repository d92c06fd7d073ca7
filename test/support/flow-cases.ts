/** The flows that the server has, each with real input, and what a test of it runs with. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ActionParts } from '../../packages/server/src/actions/parts.ts';
import { allFlows } from '../../packages/server/src/app-flows.ts';
import { placeEvents } from '../../packages/server/src/events/event-records.ts';
import type { FlowCase, FlowLab, StartedFlow } from '../../packages/server/src/flows/flow.contract.ts';
import { cancelFlow } from '../../packages/server/src/flows/operate.ts';
import { purgeFlow } from '../../packages/server/src/flows/purge.ts';
import type { UpkeepFlowParts } from '../../packages/server/src/upkeep/upkeep-flow.ts';
import { imageData, openLab, remoteImage, type ServerLab } from './flow-lab.ts';
import { labSettings } from './lab-settings.ts';
import { until } from './process.ts';
import { serve } from './web-source.ts';

export const knownFlows = allFlows({} as ActionParts, {} as UpkeepFlowParts).map(({ name }) => name);

let server: ServerLab;
/** The next worker to die is started while the one before is at work. */
let spare: Promise<ChildProcess>;

before(async () => {
  await labSettings.ready;
  server = await openLab(undefined, { ...labSettings, pauseMs: 20 });
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
  async settled() {
    await spare;
  },
  loseDatabase: () => server.loseDatabase(),
  tidy: () => server.tidy(),
};

function startedImport(image: string, id: string, stores: readonly string[] = ['one', 'two']): StartedFlow {
  const stagedFiles = async () => (await server.stagedFiles()).filter((name) => name.startsWith(image));
  return {
    id,
    async goal() {
      const { status, size } = await server.freeImage(image);
      assert.deepEqual([status, size], ['active', imageData.length]);
      assert.deepEqual(await server.storesOf(image), stores);
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

const emptyDiskBytes = 1024 * 1024;

let emptyDisk: Buffer | undefined;

/** Made when it is first asked for: few tests need the program. */
function emptyQcow2(): Buffer {
  emptyDisk ??= makeEmptyQcow2();
  return emptyDisk;
}

function makeEmptyQcow2(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'tintype-qcow2-'));
  try {
    const path = join(folder, 'empty.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(emptyDiskBytes)]);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the disk of a packed qcow2 becomes, where imports are unpacked and converted to raw, and are kept as qcow2 in one store. */
export const refinedImport: FlowCase = {
  flow: 'import-staged',
  async start() {
    const image = await server.stagedImage(gzipSync(emptyQcow2()), { disk_format: 'qcow2' });
    const id = await server.startImport(image, 'glance-direct', { stores: ['one', 'two'] });
    const { nothing } = startedImport(image, id);
    return {
      id,
      async goal() {
        const { status, size, disk_format } = await server.freeImage(image);
        assert.deepEqual([status, size, disk_format], ['active', emptyDiskBytes, 'raw']);
        assert.deepEqual(await server.storesOf(image), ['one', 'two']);
        const { replicas } = await server.call('GET', `/v2/images/${image}/replicas`);
        const shown = replicas as { store: string; disk_format: string }[];
        assert.deepEqual(
          new Set(shown.map((one) => `${one.store} ${one.disk_format}`)),
          new Set(['one raw', 'two qcow2']),
        );
        assert.ok((await server.stagedFiles()).every((name) => !name.startsWith(image)));
      },
      nothing,
    };
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

export const glanceImport: FlowCase = {
  flow: 'import-from-glance',
  async start() {
    const image = await server.createImage();
    const stores = ['one'];
    const source = { glance_region: 'elsewhere', glance_image_id: remoteImage.id };
    const id = await server.startImport(image, 'glance-download', { stores }, source);
    const { goal, nothing } = startedImport(image, id, stores);
    const requireCores = async (cores: unknown) =>
      assert.equal((await server.freeImage(image)).hw_cpu_cores, cores);
    return {
      id,
      async goal() {
        await goal();
        await requireCores('4');
      },
      async nothing() {
        await nothing();
        await requireCores(undefined);
      },
    };
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

/** Of what the web gives, or of `sent`; `size`: bytes that come of it. */
const imageImportOf = (size: number, properties: object, sent: Buffer | null = null): FlowCase => ({
  flow: 'import-image',
  async start() {
    const { id } = await server.call('POST', '/v2/image-imports', {
      ...(sent === null ? { location: `${server.web.url}/image.raw` } : { upload: true }),
      image_properties: { name: 'x', ...properties },
    });
    const path = `/v2/image-imports/${id}`;
    if (sent !== null) await server.call('PUT', `${path}/file`, sent);
    const [{ image_id }] = (await server.rows('SELECT image_id FROM actions WHERE id = $1', [id])) as [
      { image_id: string },
    ];
    const drafts = () => server.rows('SELECT id FROM image_drafts WHERE id = $1', [image_id]);
    const stagedFiles = async () => (await server.stagedFiles()).filter((name) => name.startsWith(image_id));
    return {
      id: id as string,
      async goal() {
        const { status, image_ref } = await server.call('GET', path);
        assert.deepEqual([status, image_ref], ['success', `/v2/images/${image_id}`]);
        const image = await server.freeImage(image_id);
        const { status: state, disk_format, name } = image;
        assert.deepEqual([state, image.size, disk_format, name], ['active', size, 'raw', 'x']);
        assert.deepEqual(await server.storesOf(image_id), ['one']);
        assert.deepEqual([await drafts(), await stagedFiles()], [[], []]);
      },
      async nothing() {
        const { status } = await server.call('GET', path);
        assert.ok(status === 'failure' || status === 'cancelled', String(status));
        assert.equal((await server.ask('GET', `/v2/images/${image_id}`)).status, 404);
        assert.deepEqual(await server.storesOf(image_id), []);
        assert.deepEqual([await drafts(), await stagedFiles()], [[], []]);
      },
    };
  },
});

const imageImport = imageImportOf(imageData.length, { disk_format: 'raw' });

/** Of data that its owner sends. */
export const uploadedImageImport = imageImportOf(imageData.length, { disk_format: 'raw' }, imageData);

/** In the lab that unpacks and converts. */
export const refinedImageImport: FlowCase = {
  ...imageImport,
  async start() {
    const bytes = gzipSync(emptyQcow2());
    server.answer = (request, response) => serve(request, response, { bytes });
    return await imageImportOf(emptyDiskBytes, {}).start();
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

export const clone: FlowCase = {
  flow: 'clone-image',
  async start() {
    const region = labSettings.region!;
    const name = `clone ${randomUUID()}`;
    const image = await server.createImage({ name, tags: ['far'], hw_cpu_cores: '4' });
    await server.call('PUT', `/v2/images/${image}/file`, imageData);
    const order = { image_ref: `/v2/images/${image}`, region: 'FARAWAY' };
    const { status, body } = await server.ask('POST', '/v2/image-clones', order, {
      'X-Auth-Token': region.token,
    });
    assert.equal(status, 201, JSON.stringify(body));
    const path = `/v2/image-clones/${body.id}`;
    const named = async () => (await region.images()).filter((one) => one.name === name);
    /** Bytes there are of an image there is, and of nothing else. */
    const tidyThere = () =>
      until('no other files there', async () => {
        return (await region.storedFiles()).length === (await region.images()).length;
      });
    return {
      id: body.id as string,
      async goal() {
        const done = await server.call('GET', path);
        assert.equal(done.status, 'success', String(done.message));
        const { image_ref, os_hash_value } = done.target as Record<string, string>;
        const [there, ...others] = await named();
        assert.deepEqual([others, image_ref], [[], `/v2/images/${there?.id}`]);
        assert.deepEqual(
          [there?.status, there?.size, there?.tags, there?.hw_cpu_cores, there?.os_hash_value],
          ['active', imageData.length, ['far'], '4', os_hash_value],
        );
        assert.equal(os_hash_value, remoteImage.os_hash_value);
        await tidyThere();
      },
      async nothing() {
        const { status: end, target } = await server.call('GET', path);
        assert.ok(end === 'failure' || end === 'cancelled', String(end));
        assert.deepEqual([target, await named()], [undefined, []]);
        await tidyThere();
      },
    };
  },
};

/** A raw disk as qcow2, in another store. */
export const derivedCopy: FlowCase = {
  flow: 'derive-copy',
  async start() {
    const image = await server.createImage();
    await server.call('PUT', `/v2/images/${image}/file`, Buffer.alloc(emptyDiskBytes));
    await server.call('POST', `/v2/images/${image}/replicas`, { store: 'two', disk_format: 'qcow2' });
    const { tasks } = await server.call('GET', `/v2/images/${image}/tasks`);
    const { id } = (tasks as { id: string; type: string }[]).find(({ type }) => type === 'api_image_import')!;
    const check = async (formats: readonly string[]) => {
      assert.equal((await server.freeImage(image)).status, 'active');
      const { replicas } = await server.call('GET', `/v2/images/${image}/replicas`);
      const shown = replicas as { store: string; disk_format: string; state: string }[];
      assert.deepEqual(
        shown.map(({ store, disk_format, state }) => `${store} ${disk_format} ${state}`),
        formats,
      );
      assert.equal((await server.storesOf(image)).length, formats.length);
      assert.ok((await server.stagedFiles()).every((name) => !name.startsWith(image)));
    };
    const nothing = () => check(['one raw active']);
    return { id, goal: () => check(['one raw active', 'two qcow2 active']), nothing };
  },
};

async function exported(image: string, data: Buffer, more: object): Promise<StartedFlow> {
  const path = `/places/${randomUUID()}`;
  const { id } = await server.call('POST', '/v2/image-exports', {
    image_ref: `/v2/images/${image}`,
    location: server.web.url + path,
    ...more,
  });
  const show = async () => await server.call('GET', `/v2/image-exports/${id}`);
  const requireClear = async () => {
    const left = (await server.stagedFiles()).filter((name) => name.startsWith(id as string));
    const places = await server.rows('SELECT key FROM image_locations WHERE image_id = $1', [id]);
    const kept = await server.rows('SELECT key FROM export_data WHERE action = $1', [id]);
    assert.deepEqual([left, places, kept], [[], [], []]);
    assert.equal((await server.freeImage(image)).status, 'active');
  };
  return {
    id: id as string,
    async goal() {
      const { status, size, os_hash_value, location } = await show();
      const sha512 = createHash('sha512').update(data).digest('hex');
      assert.deepEqual([status, size, os_hash_value], ['success', data.length, sha512]);
      assert.equal(location, server.web.url + path);
      assert.ok(server.sent.get(path)?.equals(data));
      await requireClear();
    },
    async nothing() {
      const { status } = await show();
      assert.ok(status === 'failure' || status === 'cancelled', String(status));
      await requireClear();
    },
  };
}

/** The data of an image as it is. */
export const plainExport: FlowCase = {
  flow: 'export-image',
  async start() {
    const image = await server.createImage();
    await server.call('PUT', `/v2/images/${image}/file`, imageData);
    return await exported(image, imageData, {});
  },
};

/** What the disk of a qcow2 is sent as. */
export const imageExport: FlowCase = {
  flow: 'export-image',
  async start() {
    const image = await server.createImage({ disk_format: 'qcow2' });
    await server.call('PUT', `/v2/images/${image}/file`, emptyQcow2());
    return await exported(image, Buffer.alloc(emptyDiskBytes), { disk_format: 'raw' });
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

/** An hourly job. */
export interface UpkeepCase extends FlowCase {
  readonly job: string;
  /** Gives it something to do; the result fails unless that has been done. */
  prepare(): Promise<() => Promise<void>>;
}

function upkeep(job: string, prepare: UpkeepCase['prepare']): UpkeepCase {
  const flow = `upkeep-${job}`;
  return {
    job,
    prepare,
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

const expiredActions = upkeep('expired-actions', async () => {
  const { id } = await imageImport.start();
  await server.ended(id);
  await server.rows(`UPDATE actions SET ended_at = now() - interval '100 days' WHERE id = $1`, [id]);
  await server.rows(`UPDATE tintype_engine.workflow_status SET completed_at = 1 WHERE workflow_uuid = $1`, [
    id,
  ]);
  return async () => assert.deepEqual(await server.rows('SELECT id FROM actions WHERE id = $1', [id]), []);
});

const oldEvents = upkeep('old-events', async () => {
  const id = await server.createImage();
  await placeEvents(server.database);
  await server.rows(`UPDATE events SET created_at = now() - interval '100 days'`);
  return async () =>
    assert.deepEqual(await server.rows('SELECT id FROM events WHERE image_id = $1', [id]), []);
});

export const upkeepCases: readonly UpkeepCase[] = [
  expiredImages,
  killedImages,
  deletedImages,
  expiredTasks,
  expiredActions,
  oldEvents,
];

export const runJob = (name: string, dryRun: boolean) => server.upkeep(name, dryRun);

export async function figures(): Promise<string> {
  return await (await fetch(`${server.app.url}/metrics`)).text();
}
