/** Several servers on one PostgreSQL and one store, as a cloud runs them. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { filesIn, makeHome, type ServerHome, type ServerProcess } from '../support/process.ts';

/** Upkeep comes every ten seconds, and then has to do its work. */
export const upkeepMs = 25_000;

/** First key of the locks that live server processes hold. */
const lockClass = 1_953_066_612;

export class Cluster {
  readonly admin: pg.Client;
  readonly store: string;
  readonly #database: TestDatabase;
  readonly #folder: string;
  readonly #homes: ServerHome[] = [];

  constructor(database: TestDatabase, folder: string, admin: pg.Client) {
    this.#database = database;
    this.#folder = folder;
    this.store = path.join(folder, 'store');
    this.admin = admin;
  }

  /** A home whose servers use the common database, as `role` if given, and the common store. */
  async home(settings: Record<string, unknown> = {}, role?: string): Promise<ServerHome> {
    const url = new URL(this.#database.url);
    if (role !== undefined) url.username = role;
    const home = await makeHome({
      database: { url: url.href },
      stores: [{ id: 'shared', type: 'file', path: this.store }],
      ...settings,
    });
    this.#homes.push(home);
    return home;
  }

  async server(role?: string): Promise<ServerProcess> {
    return await (await this.home({}, role)).start();
  }

  /** Files of the store, unfinished ones too. */
  async files(): Promise<string[]> {
    return await filesIn(this.store);
  }

  /** Ends the connection by which `server` shows that it lives; false when it has none now. */
  async cutSession(server: ServerProcess): Promise<boolean> {
    const { rowCount } = await this.admin.query(
      `SELECT pg_terminate_backend(locks.pid)
         FROM pg_locks locks JOIN processes ON locks.objid = processes.number
        WHERE locks.locktype = 'advisory' AND locks.classid = $1 AND locks.granted AND processes.pid = $2`,
      [lockClass, server.pid],
    );
    return rowCount === 1;
  }

  async close(): Promise<void> {
    for (const home of this.#homes) await home.remove();
    await this.admin.end();
    await this.#database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** `close` it at the end. */
export async function makeCluster(): Promise<Cluster> {
  const database = await testDatabase({ empty: true });
  const folder = await mkdtemp(path.join(tmpdir(), 'tintype-cluster-'));
  await mkdir(path.join(folder, 'store'));
  const admin = new pg.Client(database.connection);
  await admin.connect();
  return new Cluster(database, folder, admin);
}
