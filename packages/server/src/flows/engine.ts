/** The durable engine of one server: it starts flows in a caller's transaction; a worker on it carries them out. */
import type { Log } from '../base/log.ts';
import { asClient } from '../database/as-client.ts';
import { type DatabaseConfig, openPool, type Pool } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';
import { notifyIn } from '../database/topics.ts';
import {
  applicationName,
  type Dbos,
  engineSchema,
  flowVersion,
  loadDbos,
  noAddress,
  queueName,
} from './dbos.ts';
import { type EngineLog, engineLog } from './engine-log.ts';
import type { Json } from './flow.ts';
import { insertFlow } from './flow-records.ts';

/** Announced to every worker: flows wait. */
export const flowsWaiting = 'flows-waiting';

export interface FlowOrder {
  /** Names the flow for good: a second order of the same id is none. */
  readonly id: string;
  /** Name of the flow. */
  readonly flow: string;
  readonly input: { readonly [key: string]: Json };
  /** Whose turn it takes: projects share the workers. null: nobody's. */
  readonly project: string | null;
  /** What it works on, such as an image's id: all its flows can be cancelled together. */
  readonly subject: string | null;
}

type Client = Awaited<ReturnType<Dbos['DBOSClient']['create']>>;

/** Connections of the engine at most, beside those of the server. */
const poolSize = 8;

export class Engine {
  readonly dbos: Dbos;
  readonly pool: Pool;
  readonly client: Client;
  readonly logger: EngineLog;

  constructor(dbos: Dbos, pool: Pool, client: Client, logger: EngineLog) {
    this.dbos = dbos;
    this.pool = pool;
    this.client = client;
    this.logger = logger;
  }

  /** The flow begins when the caller's transaction commits; false when there is one of this id already. */
  async start(queries: Queries, order: FlowOrder): Promise<boolean> {
    const { id, flow, input, project, subject } = order;
    if (!(await insertFlow(queries, { id, name: flow, project, subject }))) return false;
    const options = {
      queueName,
      workflowName: flow,
      workflowID: id,
      appVersion: flowVersion,
      queuePartitionKey: partitionOf(project),
    };
    // It asks nothing else of a client than to query.
    const client = asClient(queries) as unknown as Parameters<Client['enqueueInTransaction']>[0];
    await this.client.enqueueInTransaction(client, options, input);
    await notifyIn(queries, flowsWaiting);
    return true;
  }

  async close(): Promise<void> {
    await this.client.destroy();
    await this.pool.end();
  }
}

/** The part of the queue that a project's flows wait in. */
export function partitionOf(project: string | null): string {
  return project ?? '-';
}

/**
 * The engine waits until the database is back when it knows by an error's code that it is away. That of a connection which ended a moment
 * before something was written to it is not among them: it would give the flow up. Called before any query fails with the error.
 */
function toldAsCut(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') error.code = 'ECONNRESET';
}

/** After `migrate`. Connects when it has to. */
export async function openEngine(config: DatabaseConfig, log: Log): Promise<Engine> {
  const dbos = loadDbos();
  const pool = openPool(config, {
    max: poolSize,
    applicationName: 'tintype flows',
    log,
    repeating: true,
  });
  pool.on('connect', (client) => client.on('error', toldAsCut));
  const logger = engineLog(log);
  const client = await dbos.DBOSClient.create({
    systemDatabaseUrl: noAddress,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: engineSchema,
    applicationName,
    logger,
  });
  return new Engine(dbos, pool, client, logger);
}
