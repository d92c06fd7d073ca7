/** The connection to PostgreSQL: a pool behind the query builder, checked before anybody uses it. */
import {
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type Transaction,
} from 'kysely';
import pg from 'pg';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import { CommitListeners } from './after-commit.ts';
import { readClock } from './clock.ts';
import { asDatabaseFailure, connectFailure } from './errors.ts';
import { preparedName, RepeatingClient } from './prepared.ts';
import type { Tables } from './tables.ts';
import { valueTypes } from './types.ts';

/** Where a PostgreSQL listens: `host` is a name, an address or the folder of its socket. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
}

/** A `postgresql://` URL (direct, or through a pooler in session mode: locks and LISTEN need sessions) or its parts. */
export type DatabaseConfig = { readonly url: string } | { readonly connection: Connection };

interface PoolFigures {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

export interface Database {
  /** Its errors have been through `asDatabaseFailure`. */
  readonly db: Kysely<Tables>;
  /** Runs `fn` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<T>(fn: (trx: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Calls `listener` after each commit of a transaction that was given `mark` (`after-commit.ts`); the result ends that. */
  onCommit(mark: string, listener: () => void): () => void;
  poolFigures(): PoolFigures;
  /** Waits for queries under way. A second call is the same as the first. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Most connections at a time. */
  readonly max: number;
  /** What `pg_stat_activity` shows. */
  readonly applicationName: string;
  readonly log: Log;
}

const oldestMajor = 14;
const connectMillis = 10_000;
const statementMillis = 30_000;
/** Of a process that stands still in a transaction: as long as others wait before they take up its work. */
const idleTransactionMillis = 10_000;

function clientConfig(config: DatabaseConfig, applicationName: string): pg.ClientConfig {
  const place = 'url' in config ? { connectionString: config.url } : { ...config.connection };
  return {
    ...place,
    application_name: applicationName,
    connectionTimeoutMillis: connectMillis,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: valueTypes,
  };
}

/**
 * Not sent as start-up parameters: poolers refuse those they do not know. Records are small and stay in memory,
 * so a page costs little more than a row; at the usual costs the planner reads whole indexes to save few rows.
 */
async function prepareClient(client: pg.ClientBase, statementLimit = statementMillis): Promise<void> {
  await client.query(
    `SELECT set_config('TimeZone', 'UTC', false),
            set_config('DateStyle', 'ISO', false),
            set_config('seq_page_cost', '0.1', false),
            set_config('random_page_cost', '0.1', false),
            set_config('statement_timeout', '${statementLimit}', false),
            set_config('idle_in_transaction_session_timeout', '${idleTransactionMillis}', false)`,
  );
}

function newClient(config: DatabaseConfig, applicationName: string): pg.Client {
  try {
    return new pg.Client(clientConfig(config, applicationName));
  } catch (cause) {
    throw new Failure('unavailable', 'database.url is not a PostgreSQL URL (postgresql://user@host/name).', {
      cause,
    });
  }
}

function describeTarget(client: pg.Client): string {
  const place = client.host.startsWith('/') ? client.host : `${client.host}:${client.port}`;
  return `${place}, database "${client.database}", user "${client.user}"`;
}

/**
 * One connection of its own, opened and prepared, outside any pool; the caller ends it and listens to its
 * `error` event. Fails with unavailable and a sentence that says where and why.
 */
export async function openClient(config: DatabaseConfig, applicationName: string): Promise<pg.Client> {
  const client = newClient(config, applicationName);
  client.on('error', () => {});
  try {
    await client.connect();
    await prepareClient(client);
    return client;
  } catch (error) {
    client.end().catch(() => {});
    throw connectFailure(error, describeTarget(client));
  }
}

/** Whether it is one that we can work with; reads its clock. */
async function checkServer(config: DatabaseConfig, applicationName: string): Promise<void> {
  const client = await openClient(config, applicationName);
  try {
    const answer = await client.query(
      `SELECT current_setting('server_version') AS version,
              current_setting('server_version_num')::int / 10000 AS major,
              current_setting('server_encoding') AS encoding`,
    );
    const { version, major, encoding } = answer.rows[0];
    if (major < oldestMajor) {
      const sentence = `PostgreSQL at ${describeTarget(client)} is version ${version}; ${oldestMajor} or newer is needed.`;
      throw new Failure('unavailable', sentence);
    }
    if (encoding !== 'UTF8') {
      const sentence = `The database at ${describeTarget(client)} has the encoding ${encoding}; UTF8 is needed.`;
      throw new Failure('unavailable', sentence);
    }
    await readClock((text) => client.query(text));
  } finally {
    await client.end().catch(() => {});
  }
}

/** Whether the connection is of no more use: PostgreSQL ended it, or the trouble was not PostgreSQL's answer at all. */
function isBroken(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || error.severity === 'FATAL' || error.severity === 'PANIC';
}

/** The pool as the query builder takes it, with errors translated and broken connections thrown away. */
function translatingPool(pool: pg.Pool): PostgresPool {
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  const wrap = (client: pg.PoolClient) => {
    let broken = false;
    const query = async (text: string, values: readonly unknown[]) => {
      try {
        return await client.query({ text, values: values as unknown[], name: preparedName(text) });
      } catch (error) {
        broken ||= isBroken(error);
        throw asDatabaseFailure(error);
      }
    };
    return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(broken) };
  };
  return {
    async connect() {
      try {
        const client = await pool.connect();
        const known = wrapped.get(client) ?? wrap(client);
        wrapped.set(client, known);
        return known;
      } catch (error) {
        throw asDatabaseFailure(error);
      }
    },
    end: () => pool.end(),
  };
}

export type Pool = pg.Pool;

export interface PoolOptions extends ConnectOptions {
  /** Milliseconds a statement may take; 0: any time. */
  readonly statementLimit?: number;
  /** Prepares what is asked again and again. */
  readonly repeating?: true;
}

/** A pool of prepared connections, opened as they are needed; its errors are the driver's own. */
export function openPool(config: DatabaseConfig, options: PoolOptions): Pool {
  const { max, applicationName, log, statementLimit, repeating } = options;
  const pool = new pg.Pool({
    ...clientConfig(config, applicationName),
    ...(repeating ? { Client: RepeatingClient } : {}),
    max,
    idleTimeoutMillis: 60_000,
    onConnect: (client) => prepareClient(client, statementLimit),
  });
  pool.on('error', (err) => {
    // The pool ends before its connections have, and the server that goes next tells them so.
    if (!pool.ending) log.warn({ err }, 'an idle database connection was lost');
  });
  // Of a connection in use the query tells; unheard, the event would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Fails with unavailable when the server cannot be reached, refuses us, or is older than PostgreSQL 14. */
export async function connect(config: DatabaseConfig, options: ConnectOptions): Promise<Database> {
  await checkServer(config, options.applicationName);
  const pool = openPool(config, options);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: translatingPool(pool) }) });
  const listeners = new CommitListeners();
  let closing: Promise<void> | undefined;
  return {
    db,
    async transaction(fn) {
      let committed = () => {};
      const result = await db.transaction().execute((trx) => {
        committed = listeners.begin(trx);
        return fn(trx);
      });
      committed();
      return result;
    },
    onCommit: (mark, listener) => listeners.add(mark, listener),
    poolFigures: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close() {
      closing ??= pool.ended ? Promise.resolve() : db.destroy();
      return closing;
    },
  };
}
