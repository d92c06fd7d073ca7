/** A database with the engine on it, and workers in this process: each its own, as servers are. */
import { randomUUID } from 'node:crypto';
import { createLog } from '@tintype/server';
import { connect, type Database } from '../../packages/server/src/database/connect.ts';
import { openSession, type Session } from '../../packages/server/src/database/session.ts';
import { type Engine, openEngine } from '../../packages/server/src/flows/engine.ts';
import type { AnyFlow, Json } from '../../packages/server/src/flows/flow.ts';
import { type FlowDetail, showFlow } from '../../packages/server/src/flows/operate.ts';
import { type FlowWorker, startWorker, type WorkerParts } from '../../packages/server/src/flows/worker.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { until } from './process.ts';

const log = createLog('fatal');

export interface RunningWorker {
  readonly worker: FlowWorker;
  /** With its engine and its session. */
  close(graceMs?: number): Promise<void>;
}

export class FlowWorkers {
  readonly home: TestDatabase;
  readonly database: Database;
  readonly engine: Engine;
  readonly #running = new Set<RunningWorker>();

  constructor(home: TestDatabase, database: Database, engine: Engine) {
    this.home = home;
    this.database = database;
    this.engine = engine;
  }

  async begin(
    flows: readonly AnyFlow[],
    more: Partial<Pick<WorkerParts, 'seams' | 'limits' | 'periodic' | 'database'>> = {},
  ): Promise<RunningWorker> {
    const engine = await openEngine(this.home.config, log);
    const session: Session = await openSession(this.home.config, { applicationName: 'test session', log });
    const worker = await startWorker({
      engine,
      database: this.database,
      session,
      log,
      flows,
      periodic: [],
      limits: { perWorker: 8, perProject: 4, total: null },
      stallMs: 60_000,
      ...more,
      seams: { beatMs: 100, ...more.seams },
    });
    const running: RunningWorker = {
      worker,
      close: async (graceMs = 0) => {
        this.#running.delete(running);
        await worker.close(graceMs);
        await engine.close();
        await session.close();
      },
    };
    this.#running.add(running);
    return running;
  }

  async start(
    flow: string,
    input: { readonly [key: string]: Json } = {},
    project: string | null = null,
  ): Promise<string> {
    const id = randomUUID();
    const order = { id, flow, input: { ...input, tag: id }, project, subject: null };
    await this.database.transaction((queries) => this.engine.start(queries, order));
    return id;
  }

  view(id: string): Promise<FlowDetail> {
    return showFlow(this.database, id);
  }

  async ended(id: string): Promise<FlowDetail> {
    return await until(`the end of flow ${id}`, async () => {
      const flow = await this.view(id);
      return flow.endedAt !== null && flow;
    });
  }

  async close(): Promise<void> {
    for (const one of [...this.#running]) await one.close();
    await this.engine.close();
    await this.database.close();
    await this.home.close();
  }
}

/** `close` it in `after`. */
export async function openFlowWorkers(): Promise<FlowWorkers> {
  const home = await testDatabase();
  const database = await connect(home.config, { max: 8, applicationName: 'test', log });
  return new FlowWorkers(home, database, await openEngine(home.config, log));
}
