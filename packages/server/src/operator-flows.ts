/** What an operator does about durable work beside the servers: look, retry, cancel. */
import type { Log } from './base/log.ts';
import type { Database, DatabaseConfig } from './database/connect.ts';
import { migrate } from './database/migrate.ts';
import { type Engine, openEngine } from './flows/engine.ts';
import type { FlowView } from './flows/flow-state.ts';
import { migrateEngine } from './flows/migrate-engine.ts';
import * as flows from './flows/operate.ts';
import type { ServerOptions } from './main.ts';
import { withDatabase } from './operator.ts';

export type FlowDetail = flows.FlowDetail;

export interface ListFlowsInput {
  readonly limit: number;
  /** Only those that have not ended. */
  readonly open: boolean;
}

async function onCurrentDatabase<T>(
  options: ServerOptions,
  work: (database: Database, config: DatabaseConfig, log: Log) => Promise<T>,
): Promise<T> {
  return await withDatabase(options, async (database, log, config) => {
    await migrate(database, { log, further: () => migrateEngine(config, log) });
    return await work(database, config, log);
  });
}

/** On the database as it is after its migrations. */
export async function withEngine<T>(
  options: ServerOptions,
  work: (engine: Engine, database: Database) => Promise<T>,
): Promise<T> {
  return await onCurrentDatabase(options, async (database, config, log) => {
    const engine = await openEngine(config, log);
    try {
      return await work(engine, database);
    } finally {
      await engine.close();
    }
  });
}

export async function listFlows(options: ServerOptions, input: ListFlowsInput): Promise<FlowView[]> {
  return await onCurrentDatabase(options, (database) => flows.listFlows(database, input));
}

/** Fails with flow_not_found. */
export async function showFlow(options: ServerOptions, id: string): Promise<FlowDetail> {
  return await onCurrentDatabase(options, (database) => flows.showFlow(database, id));
}

/** Fails with flow_not_found or flow_state. */
export async function retryFlow(options: ServerOptions, id: string): Promise<void> {
  await withEngine(options, (engine, database) => flows.retryFlow(engine, database, id));
}

/** Fails with flow_not_found or flow_state. */
export async function cancelFlow(options: ServerOptions, id: string): Promise<void> {
  await withEngine(options, (engine, database) => flows.cancelFlow(engine, database, id));
}
