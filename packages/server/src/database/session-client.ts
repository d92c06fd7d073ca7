/** The dedicated connection of a server process: one query at a time, and word of its end. */
import type pg from 'pg';
import { readClock } from './clock.ts';
import { type DatabaseConfig, openClient } from './connect.ts';
import { asDatabaseFailure } from './errors.ts';
import { channel } from './topics.ts';

/** The server notices within half a minute that we are gone; an administrator's idle limit is not for us. */
const prepare = `
  SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
         set_config('tcp_keepalives_count', '3', false), set_config('idle_session_timeout', '0', false)`;

/** How often the connection is tried, and how long an answer may take. */
export interface Heartbeat {
  readonly everyMillis: number;
  readonly answerMillis: number;
}

const usualHeartbeat: Heartbeat = { everyMillis: 10_000, answerMillis: 10_000 };

/** Which backend of PostgreSQL serves a connection; the start tells it from a later one with its number. */
export interface Backend {
  readonly pid: number;
  readonly start: string;
}

export class SessionClient {
  readonly backend: Backend;
  /** Resolves when the connection is lost or closed. */
  readonly ended: Promise<void>;
  readonly #client: pg.Client;
  #last: Promise<unknown> = Promise.resolve();
  #hasEnded = false;

  constructor(
    client: pg.Client,
    backend: Backend,
    onMessage: (text: string) => void,
    { everyMillis, answerMillis }: Heartbeat,
  ) {
    this.#client = client;
    this.backend = backend;
    client.on('notification', (message) => onMessage(message.payload ?? ''));
    const heartbeat = setInterval(() => void this.#beat(answerMillis), everyMillis).unref();
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#hasEnded = true;
        clearInterval(heartbeat);
        resolve();
      };
      client.on('error', end);
      client.on('end', end);
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Waits for its turn. Fails as queries do elsewhere, with unavailable when the connection is lost. */
  query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const turn = this.#last.then(async () => {
      try {
        return (await this.#client.query<Row>(text, values)).rows;
      } catch (error) {
        throw asDatabaseFailure(error);
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Runs `work` in one transaction; no other query of this connection comes in between. */
  transaction<T>(work: (query: pg.Client['query']) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      try {
        await this.#client.query('BEGIN');
        const result = await work(this.#client.query.bind(this.#client) as pg.Client['query']);
        await this.#client.query('COMMIT');
        return result;
      } catch (error) {
        await this.#client.query('ROLLBACK').catch(() => {});
        throw asDatabaseFailure(error);
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** A connection whose other side is gone without a word is given up here; what time it is there is asked, too. */
  async #beat(answerMillis: number): Promise<void> {
    const timer = setTimeout(() => this.destroy(), answerMillis).unref();
    await readClock(async (text) => ({ rows: await this.query(text) })).catch(() => this.destroy());
    clearTimeout(timer);
  }

  /** Ends at once, telling nobody. */
  destroy(): void {
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#client.end().catch(() => {});
  }
}

/** Fails with unavailable. */
export async function openSessionClient(
  config: DatabaseConfig,
  applicationName: string,
  onMessage: (text: string) => void,
  heartbeat: Heartbeat = usualHeartbeat,
): Promise<SessionClient> {
  const client = await openClient(config, applicationName);
  try {
    await client.query(prepare);
    await client.query(`LISTEN ${channel}`);
    const found = await client.query<Backend>(
      `SELECT pid, backend_start::text AS start FROM pg_stat_activity WHERE pid = pg_backend_pid()`,
    );
    return new SessionClient(client, found.rows[0]!, onMessage, heartbeat);
  } catch (error) {
    client.end().catch(() => {});
    throw asDatabaseFailure(error);
  }
}
