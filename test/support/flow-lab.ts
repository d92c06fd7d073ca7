/** A server whose flows tests can watch, stop and break, and workers that are processes of their own. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, createLog, loadConfig, startApp } from '@tintype/server';
import { stringify } from 'yaml';
import { connect, type Database } from '../../packages/server/src/database/connect.ts';
import { type Engine, openEngine } from '../../packages/server/src/flows/engine.ts';
import { type FlowDetail, showFlow } from '../../packages/server/src/flows/operate.ts';
import type { Moment } from '../../packages/server/src/flows/seams.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import type { Order } from './flow-child.ts';
import { filesIn, until } from './process.ts';
import { as } from './server.ts';
import { loopbackRules, serve, startWebSource, type WebSource } from './web-source.ts';

const child = join(import.meta.dirname, 'flow-child.ts');
const log = createLog('fatal');

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Bytes that an image is made of. */
export const imageData = randomBytes(700_000);

/** File stores `one` and `two`, a staging area, a web server that has `imageData`, quotas, and a heart that beats ten times a second. */
export class ServerLab {
  readonly folder: string;
  readonly home: TestDatabase;
  database!: Database;
  engine!: Engine;
  app!: App;
  web!: WebSource;
  /** Called at every moment of the worker in this process. */
  reach: ((moment: Moment) => void) | null = null;
  /** Of the web server; put another in its place for other behaviour. */
  answer: RequestListener = (request, response) =>
    serve(request, response, { bytes: imageData, headers: { ETag: '"data"' } });
  /** Whether the worker in this process takes up flows. */
  isWorking = true;
  readonly #children = new Set<ChildProcess>();

  constructor(folder: string, home: TestDatabase) {
    this.folder = folder;
    this.home = home;
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
      stores: ['one', 'two'].map((id) => ({ id, type: 'file', path: this.at(id) })),
      staging: { path: this.at('staging') },
      import: loopbackRules,
      quotas: { source: 'file', file: this.at('quotas.yaml') },
      shutdownGrace: 1,
    };
    await writeFile(this.at('config.yaml'), stringify(settings));
    const seams = {
      beatMs: 100,
      mayClaim: () => this.isWorking,
      reach: (moment: Moment) => this.reach?.(moment),
    };
    this.app = await startApp(await loadConfig({ file: this.at('config.yaml') }), log, { seams });
    this.database = await connect(this.home.config, { max: 4, applicationName: 'test', log });
    this.engine = await openEngine(this.home.config, log);
  }

  /** A worker process, ready, and idle until it is given its order. */
  async forkWorker(): Promise<ChildProcess> {
    const dataDir = this.at(`data-${randomUUID()}`);
    const one = fork(child, [this.at('config.yaml'), dataDir], { stdio: 'inherit' });
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

  /** As an administrator. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const isData = body instanceof Uint8Array;
    const type = isData ? 'application/octet-stream' : 'application/json';
    const answer = await fetch(`${this.app.url}${path}`, {
      method,
      headers: { ...as('boss', 'admin'), ...(body === undefined ? {} : { 'Content-Type': type }) },
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

  async createImage(): Promise<string> {
    const record = { name: 'x', disk_format: 'raw', container_format: 'bare' };
    return (await this.call('POST', '/v2/images', record)).id as string;
  }

  async stagedImage(): Promise<string> {
    const id = await this.createImage();
    await this.call('PUT', `/v2/images/${id}/stage`, imageData);
    return id;
  }

  /** Resolves with the id of the flow, which is that of its task. */
  async startImport(image: string, method: string, more: object, uri?: string): Promise<string> {
    await this.call('POST', `/v2/images/${image}/import`, { method: { name: method, uri }, ...more });
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
    const doomed = places.filter(({ status }) => status !== 'active');
    assert.deepEqual(doomed, [], 'no bytes are left to be removed');
    for (const store of ['one', 'two']) {
      const recorded = places.filter((place) => place.store === store).map(({ key }) => key);
      const files = (await filesIn(this.at(store))).filter((name) => name.startsWith(image));
      assert.deepEqual(files.sort(), recorded.sort(), `files in store ${store}`);
    }
    return places.map(({ store }) => store as string).sort();
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
    for (const table of ['uploads', 'staged_data'])
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

/** `close` it in `after`. */
export async function openLab(): Promise<ServerLab> {
  const home = await testDatabase();
  const lab = new ServerLab(await mkdtemp(join(tmpdir(), 'tintype-flows-')), home);
  try {
    await lab.open();
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }
}
