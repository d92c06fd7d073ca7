/** A server process as the others see it: a number, a lock held while it lives, and messages. */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { DatabaseConfig } from './connect.ts';
import { type Backend, type Heartbeat, openSessionClient, type SessionClient } from './session-client.ts';
import { channel, encodeMessage, type Payload, type Subscriber, Subscriptions } from './topics.ts';

/** What happened while the connection was away: messages may have been missed. */
export interface Reconnection {
  readonly processNumber: number;
  /**
   * The number before, when another process judged us dead meanwhile: whatever is recorded under it is, or
   * will be, cleared away, and must not be continued.
   */
  readonly lostNumber: number | null;
}

export interface Session {
  /** Recorded in `processes`. Changes when another process judged us dead while we were away. */
  readonly processNumber: number;
  /** False between a loss and the reconnection: others may judge us dead. */
  readonly connected: boolean;
  /** Calls `subscriber` with every message on `topic`, ours too; the result unsubscribes. */
  on(topic: string, subscriber: Subscriber): () => void;
  onReconnect(subscriber: (reconnection: Reconnection) => void): () => void;
  /** Tells every process. At most 7999 bytes as JSON. Fails with unavailable while not connected. */
  notify(topic: string, payload?: Payload): Promise<void>;
  /**
   * If process `number` is dead, runs `fn` while nobody else does so, then forgets the process, and resolves with
   * true. False when it lives, is this one, is being seen to by another, or we are not connected. What `fn`
   * throws is thrown on; the process is then remembered, to be tried again. `fn` must bear repetition: should
   * our connection be lost meanwhile, another process may begin it.
   */
  whenDead(number: number, fn: () => Promise<void>): Promise<boolean>;
  /** Forgets this process and releases its lock. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly applicationName: string;
  readonly log: Log;
  /** Shown to operators. */
  readonly host?: string;
  /** Every ten seconds, answered within ten, unless said otherwise. */
  readonly heartbeat?: Heartbeat;
}

/** First key of the advisory locks on process numbers; the second is the number. */
export const lockClass = 1_953_066_612;
const slowestReconnectMillis = 5_000;

/** In one transaction: the row is seen only once the lock is held. */
async function enroll(client: SessionClient, host: string): Promise<number> {
  return await client.transaction(async (query) => {
    const inserted = await query<{ number: number }>(
      'INSERT INTO processes (host, pid, started_at) VALUES ($1, $2, now()) RETURNING number',
      [host, process.pid],
    );
    const number = inserted.rows[0]!.number;
    await query('SELECT pg_advisory_lock($1, $2)', [lockClass, number]);
    return number;
  });
}

async function tryLock(client: SessionClient, number: number): Promise<boolean> {
  const rows = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', [
    lockClass,
    number,
  ]);
  return rows[0]!.locked;
}

async function unlock(client: SessionClient, number: number): Promise<void> {
  await client.query('SELECT pg_advisory_unlock($1, $2)', [lockClass, number]);
}

/** Ends our former backend, which may not have noticed yet that its connection is gone. */
async function endBackend(client: SessionClient, { pid, start }: Backend): Promise<void> {
  await client.query(
    'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2',
    [pid, start],
  );
}

/** Takes our old number again, or says that it is no longer ours. */
async function retake(client: SessionClient, number: number, former: Backend): Promise<boolean> {
  await endBackend(client, former);
  if (!(await tryLock(client, number))) return false;
  const rows = await client.query('SELECT 1 FROM processes WHERE number = $1', [number]);
  if (rows.length === 1) return true;
  await unlock(client, number);
  return false;
}

class OpenSession implements Session {
  readonly #config: DatabaseConfig;
  readonly #options: SessionOptions;
  readonly #subscriptions: Subscriptions;
  readonly #reconnected = new Set<(reconnection: Reconnection) => void>();
  readonly #inHand = new Set<number>();
  readonly #closing = new AbortController();
  #client: SessionClient | null = null;
  #number = 0;
  #keeping: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(config: DatabaseConfig, options: SessionOptions) {
    this.#config = config;
    this.#options = options;
    this.#subscriptions = new Subscriptions(options.log);
  }

  get processNumber(): number {
    return this.#number;
  }

  get connected(): boolean {
    return this.#client !== null && !this.#client.hasEnded;
  }

  async begin(): Promise<void> {
    const client = await this.#open();
    this.#number = await this.#enroll(client);
    this.#client = client;
    this.#keeping = this.#keep(client);
  }

  #open(): Promise<SessionClient> {
    const { applicationName, heartbeat } = this.#options;
    const deliver = (text: string) => this.#subscriptions.deliver(text);
    return openSessionClient(this.#config, applicationName, deliver, heartbeat);
  }

  async #enroll(client: SessionClient): Promise<number> {
    try {
      return await enroll(client, this.#options.host ?? hostname());
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  async #keep(first: SessionClient): Promise<void> {
    const { signal } = this.#closing;
    let client = first;
    for (;;) {
      await client.ended;
      if (signal.aborted) return;
      this.#options.log.warn({ process: this.#number }, 'the connection of this process was lost');
      const next = await this.#reconnect(client.backend);
      if (next === null) return;
      client = next;
    }
  }

  /**
   * Comes back under the old number if nobody has touched it. If another process holds its lock or has removed
   * its row, we were judged dead: a fresh number is taken at once, rather than waiting for the other to finish,
   * so that a number once judged dead is never alive again.
   */
  async #reconnect(former: Backend): Promise<SessionClient | null> {
    const { signal } = this.#closing;
    for (let wait = 50; !signal.aborted; wait = Math.min(wait * 2, slowestReconnectMillis)) {
      await delay(wait * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      if (signal.aborted) return null;
      let client: SessionClient | undefined;
      try {
        client = await this.#open();
        const lost = (await retake(client, this.#number, former)) ? null : this.#number;
        const number = lost === null ? this.#number : await this.#enroll(client);
        // Closed meanwhile: another process signs us off.
        signal.throwIfAborted();
        this.#number = number;
        this.#client = client;
        this.#tell({ processNumber: this.#number, lostNumber: lost });
        return client;
      } catch (err) {
        client?.destroy();
        if (signal.aborted) return null;
        this.#options.log.warn({ err }, 'the connection of this process cannot be restored: trying again');
      }
    }
    return null;
  }

  #tell(reconnection: Reconnection): void {
    this.#options.log.info(reconnection, 'the connection of this process is back');
    for (const subscriber of [...this.#reconnected]) {
      try {
        subscriber(reconnection);
      } catch (err) {
        this.#options.log.error({ err }, 'a subscriber failed');
      }
    }
  }

  on(topic: string, subscriber: Subscriber): () => void {
    return this.#subscriptions.add(topic, subscriber);
  }

  onReconnect(subscriber: (reconnection: Reconnection) => void): () => void {
    this.#reconnected.add(subscriber);
    return () => this.#reconnected.delete(subscriber);
  }

  async notify(topic: string, payload: Payload = {}): Promise<void> {
    const client = this.#client;
    if (client === null || client.hasEnded) {
      throw new Failure('unavailable', 'The database cannot be reached.');
    }
    await client.query('SELECT pg_notify($1, $2)', [channel, encodeMessage(topic, payload)]);
  }

  async whenDead(number: number, fn: () => Promise<void>): Promise<boolean> {
    const client = this.#client;
    // A session gets its own locks again and again: neither our number nor one in hand may be tried.
    if (number === this.#number || this.#inHand.has(number)) return false;
    if (client === null || client.hasEnded) return false;
    this.#inHand.add(number);
    try {
      if (!(await tryLock(client, number))) return false;
      try {
        await fn();
        await client.query('DELETE FROM processes WHERE number = $1', [number]);
      } finally {
        // Without its connection the lock is gone anyway.
        await unlock(client, number).catch(() => {});
      }
      return true;
    } finally {
      this.#inHand.delete(number);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#closing.abort();
    const client = this.#client;
    if (client !== null && !client.hasEnded) {
      await client.query('DELETE FROM processes WHERE number = $1', [this.#number]).catch((err: unknown) => {
        this.#options.log.warn({ err }, 'this process could not be signed off: another will do so');
      });
      await client.close();
    }
    await this.#keeping;
  }
}

/** Signs this process in: after `migrate`. Fails with unavailable when the database cannot be reached. */
export async function openSession(config: DatabaseConfig, options: SessionOptions): Promise<Session> {
  const session = new OpenSession(config, options);
  await session.begin();
  return session;
}
