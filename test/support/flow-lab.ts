/** A server whose flows tests can watch, stop and break, and workers that are processes of their own. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { flushCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createLog, loadConfig, runUpkeep, startApp } from '@tintype/server';
import { sql } from 'kysely';
import { stringify } from 'yaml';
import { connect, type Database } from '../../packages/server/src/database/connect.ts';
import { type Engine, openEngine } from '../../packages/server/src/flows/engine.ts';
import { type FlowDetail, showFlow } from '../../packages/server/src/flows/operate.ts';
import type { Moment } from '../../packages/server/src/flows/seams.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import type { Order } from './flow-child.ts';
import { filesIn, until } from './process.ts';
import { as } from './server.ts';
import { loopbackPlaces, loopbackRules, serve, startWebSource, take, type WebSource } from './web-source.ts';

const child = join(import.meta.dirname, 'flow-child.ts');
const log = createLog('fatal');

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Bytes that an image is made of. */
export const imageData = randomBytes(700_000);

/** The record of an image that the web server has, as that of another region's image service. */
export const remoteImage = {
  id: '7f9c2ba4-e88f-4a27-8d1e-5f6a0c3b9d10',
  status: 'active',
  disk_format: 'raw',
  container_format: 'bare',
  size: imageData.length,
  os_hash_algo: 'sha512',
  os_hash_value: createHash('sha512').update(imageData).digest('hex'),
  hw_cpu_cores: '4',
  speed: '88mph',
};

export interface LabSettings {
  /** Settings of imports besides. */
  readonly importing?: object;
  /** Milliseconds before a second attempt at a step, instead of the usual ones. */
  readonly pauseMs?: number;
  /** By their ids: settings of stores besides. */
  readonly stores?: Readonly<Record<string, object>>;
}

/** File stores `one` and `two`, a staging area, a web server that has `imageData`, quotas, and a heart that beats every `beatMs`. */
export class ServerLab {
  readonly folder: string;
  readonly home: TestDatabase;
  readonly #beatMs: number;
  readonly #importing: object;
  readonly #stores: Readonly<Record<string, object>>;
  readonly #pauseMs: number | undefined;
  database!: Database;
  engine!: Engine;
  app!: App;
  web!: WebSource;
  /** Called at every moment of the worker in this process. */
  reach: ((moment: Moment) => void) | null = null;
  /** Of the web server; put another in its place for other behaviour. */
  answer: RequestListener = async (request, response) => {
    if (request.method === 'PUT') {
      const body = await take(request, response);
      if (body !== null) this.sent.set(request.url!, body);
      return;
    }
    if (request.url === `/v2/images/${remoteImage.id}`) return response.end(JSON.stringify(remoteImage));
    serve(request, response, { bytes: imageData, headers: { ETag: '"data"' } });
  };
  /** What was sent to the web server, by path: whole requests only. */
  readonly sent = new Map<string, Buffer>();
  /** Whether the worker in this process takes up flows. */
  isWorking = true;
  readonly #children = new Set<ChildProcess>();

  constructor(
    folder: string,
    home: TestDatabase,
    beatMs: number,
    { importing = {}, stores = {}, pauseMs }: LabSettings,
  ) {
    this.#beatMs = beatMs;
    this.#stores = stores;
    this.#pauseMs = pauseMs;
    this.folder = folder;
    this.home = home;
    this.#importing = importing;
  }

  at(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  async open(): Promise<void> {
    this.web = await startWebSource((request, response) => this.answer(request, response));
    await writeFile(this.at('quotas.yaml'), 'default: { image_size_total: 1000 }\n');
    const settings = {
      listen: '127.0.0.1:0',
      identity: { mode: 'headers' },
      dataDir: this.at('data'),
      database: { url: this.home.url },
      stores: ['one', 'two'].map((id) => ({ id, type: 'file', path: this.at(id), ...this.#stores[id] })),
      staging: { path: this.at('staging') },
      import: {
        ...loopbackRules,
        methods: ['glance-direct', 'web-download', 'copy-image', 'glance-download'],
        regions: [{ name: 'Elsewhere', endpoint: this.web.url }],
        ...this.#importing,
      },
      export: loopbackPlaces,
      quotas: { source: 'file', file: this.at('quotas.yaml') },
      shutdownGrace: 1,
    };
    await writeFile(this.at('config.yaml'), stringify(settings));
    const seams = {
      beatMs: this.#beatMs,
      pauseMs: this.#pauseMs,
      mayClaim: () => this.isWorking,
      reach: (moment: Moment) => this.reach?.(moment),
    };
    this.app = await startApp(await loadConfig({ file: this.at('config.yaml') }), log, { seams });
    this.database = await connect(this.home.config, { max: 4, applicationName: 'test', log });
    this.engine = await openEngine(this.home.config, log);
    // For the workers, which load the same and are killed before they could leave it to each other.
    flushCompileCache();
  }

  /** A worker process, ready, and idle until it is given its order; its clock is wrong by `skewMs`, and by the opposite after SIGUSR2. */
  async forkWorker(skewMs = 0): Promise<ChildProcess> {
    const dataDir = this.at(`data-${randomUUID()}`);
    const one = fork(child, [this.at('config.yaml'), dataDir], {
      stdio: 'inherit',
      env: {
        ...process.env,
        TINTYPE_TEST_SKEW_MS: String(skewMs),
        TINTYPE_TEST_BEAT_MS: String(this.#beatMs),
      },
    });
    this.#children.add(one);
    one.once('exit', () => this.#children.delete(one));
    const [word] = await once(one, 'message');
    assert.equal(word, 'ready');
    return one;
  }

  /** Resolves when the process takes up flows. */
  async command(worker: ChildProcess, order: Order): Promise<void> {
    const working = once(worker, 'message');
    worker.send(order);
    await working;
  }

  view(id: string): Promise<FlowDetail> {
    return showFlow(this.database, id);
  }

  async ended(id: string): Promise<FlowDetail> {
    return await until(
      `the end of flow ${id}`,
      async () => {
        const flow = await this.view(id);
        return flow.endedAt !== null && flow;
      },
      60_000,
    );
  }

  async rows(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await this.engine.pool.query(text, values)).rows;
  }

  /** Tables, of any schema, that have this text anywhere in a row. */
  async tablesWith(text: string): Promise<string[]> {
    const tables = await this.rows(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const rows = await this.rows(`SELECT 1 FROM ${name} AS row WHERE strpos(row::text, $1) > 0 LIMIT 1`, [
        text,
      ]);
      if (rows.length > 0) found.push(name as string);
    }
    return found;
  }

  /** Parts of an image's data that are safe in the staging area. */
  async stagedParts(image: string): Promise<number> {
    return (await this.rows('SELECT 1 FROM staged_data WHERE image_id = $1', [image])).length;
  }

  /** As an administrator. */
  async ask(method: string, path: string, body?: unknown, more: object = {}): Promise<Answer> {
    const isData = body instanceof Uint8Array;
    const type = isData ? 'application/octet-stream' : 'application/json';
    const answer = await fetch(`${this.app.url}${path}`, {
      method,
      headers: { ...as('boss', 'admin'), ...more, ...(body === undefined ? {} : { 'Content-Type': type }) },
      body: body === undefined ? undefined : isData ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
  }

  /** Fails unless the answer is good. */
  async call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await this.ask(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async createImage(more: object = {}): Promise<string> {
    const record = { name: 'x', disk_format: 'raw', container_format: 'bare', ...more };
    return (await this.call('POST', '/v2/images', record)).id as string;
  }

  async stagedImage(data: Uint8Array = imageData, more: object = {}): Promise<string> {
    const id = await this.createImage(more);
    await this.call('PUT', `/v2/images/${id}/stage`, data);
    return id;
  }

  /** Resolves with the id of the flow, which is that of its task. */
  async startImport(image: string, method: string, more: object, source?: string | object): Promise<string> {
    const from = typeof source === 'string' ? { uri: source } : source;
    await this.call('POST', `/v2/images/${image}/import`, { method: { name: method, ...from }, ...more });
    const { tasks } = await this.call('GET', `/v2/images/${image}/tasks`);
    return (tasks as { id: string; type: string }[]).find(({ type }) => type === 'api_image_import')!.id;
  }

  /** The record, when nobody holds the image. */
  async freeImage(id: string): Promise<Record<string, unknown>> {
    const image = await this.call('GET', `/v2/images/${id}`);
    assert.equal(image.os_glance_import_task, undefined, 'nobody holds the image');
    assert.equal(image.os_glance_importing_to_stores ?? '', '');
    return image;
  }

  /** Ids of the stores that the image's data is in, by the records and by the files, which must agree. */
  async storesOf(image: string): Promise<string[]> {
    const places = await this.rows('SELECT store, key, status FROM image_locations WHERE image_id = $1', [
      image,
    ]);
    const doomed = places.filter(({ status }) => status === 'pending_delete');
    assert.deepEqual(doomed, [], 'no bytes are left to be removed');
    for (const store of ['one', 'two']) {
      const recorded = places.filter((place) => place.store === store).map(({ key }) => key);
      const files = (await filesIn(this.at(store))).filter((name) => name.startsWith(image));
      assert.deepEqual(files.sort(), recorded.sort(), `files in store ${store}`);
    }
    return places.map(({ store }) => store as string).sort();
  }

  /** Those of the servers and workers end; the test keeps its own. */
  async loseDatabase(): Promise<void> {
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'tintype%'`.execute(this.database.db);
  }

  /** As an operator has it done beside the server. */
  async upkeep(name: string, dryRun: boolean): ReturnType<typeof runUpkeep> {
    return await runUpkeep({ config: this.at('config.yaml') }, { name, dryRun });
  }

  async stagedFiles(): Promise<string[]> {
    return await filesIn(this.at('staging'));
  }

  /** Fails unless stores and staging have whole images and nothing else, once upkeep has been there. */
  async tidy(): Promise<void> {
    const whole = async (store: string) => {
      const places = await this.rows(`SELECT key FROM image_locations WHERE store = $1`, [store]);
      const keys = new Set(places.map(({ key }) => key));
      return (await filesIn(this.at(store))).every((name) => keys.has(name));
    };
    await until('an empty staging area', async () => (await this.stagedFiles()).length === 0);
    for (const store of ['one', 'two']) await until(`whole images in store ${store}`, () => whole(store));
    for (const table of ['uploads', 'staged_data', 'export_data'])
      assert.deepEqual(await this.rows(`SELECT * FROM ${table}`), [], table);
  }

  async close(): Promise<void> {
    for (const one of this.#children) {
      const gone = once(one, 'exit');
      one.kill('SIGKILL');
      await gone;
    }
    await this.engine?.close();
    await this.database?.close();
    await this.app?.close();
    await this.web?.close();
    await this.home.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** `beatMs`: workers are dead after five times that, so a test in which none may be has long ones. `close` it in `after`. */
export async function openLab(beatMs = 200, settings: LabSettings = {}): Promise<ServerLab> {
  const home = await testDatabase();
  const lab = new ServerLab(await mkdtemp(join(tmpdir(), 'tintype-flows-')), home, beatMs, settings);
  try {
    await lab.open();
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }
}
