/** PostgreSQL for tests: one cluster a run, a fresh migrated database a test file. */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createLog } from '../../packages/server/src/base/log.ts';
import { type Connection, connect, type DatabaseConfig } from '../../packages/server/src/database/connect.ts';
import { isAlive } from '../../packages/server/src/database/embedded/processes.ts';
import { type EmbeddedDatabase, startEmbedded } from '../../packages/server/src/database/embedded/start.ts';
import { migrate } from '../../packages/server/src/database/migrate.ts';
import { migrateEngine } from '../../packages/server/src/flows/migrate-engine.ts';

export interface TestDatabase {
  readonly connection: Connection;
  /** For `connect()` and `openSession()`. */
  readonly config: DatabaseConfig;
  /** For `database.url`. */
  readonly url: string;
  /** Drops the database, whoever is still connected. */
  close(): Promise<void>;
}

export interface TestCluster {
  /** For the environment of the test processes, which then share this cluster. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const variable = 'TINTYPE_TEST_POSTGRES';
const folderPrefix = 'tintype-test-postgres-';
/** Any number, the same in every test process. */
const templateLock = 5_310_774_902;
const migrations = join(import.meta.dirname, '../../packages/server/src/database/migrations');
/** Nobody needs the tests' data after a power failure. */
const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '300', shared_buffers: '64MB' };
const log = createLog('warn');

/** Clusters of test processes that were killed. */
async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const owner = Number(name.slice(folderPrefix.length).split('-')[0]);
    if (isAlive(owner)) continue;
    const folder = join(tmpdir(), name);
    try {
      const lock = await readFile(join(folder, 'postgres/data/postmaster.pid'), 'utf8');
      process.kill(Number(lock.split('\n')[0]), 'SIGQUIT');
    } catch {
      // None is running.
    }
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

interface OwnCluster extends TestCluster {
  readonly connection: Connection;
}

async function startOwn(): Promise<OwnCluster> {
  await removeLeftOvers();
  const dataDir = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  // For the unprivileged user that PostgreSQL runs as when we are root.
  await chmod(dataDir, 0o711);
  let embedded: EmbeddedDatabase;
  try {
    embedded = await startEmbedded({ dataDir, log, settings });
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
  return {
    connection: embedded.connection,
    env: { [variable]: JSON.stringify(embedded.connection) },
    async stop() {
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** One cluster for a whole run: start it, give `env` to every test process, stop it at the end. One that is named in the environment stays. */
export async function startTestCluster(): Promise<TestCluster> {
  const given = process.env[variable];
  if (given === undefined) return await startOwn();
  return { env: { [variable]: given }, stop: async () => {} };
}

let own: Promise<OwnCluster> | undefined;
let users = 0;

/** The run's cluster, or one of this process that lives while it has users. */
async function useCluster(): Promise<Connection> {
  const shared = process.env[variable];
  if (shared !== undefined) return JSON.parse(shared) as Connection;
  users += 1;
  own ??= startOwn();
  return (await own).connection;
}

async function leaveCluster(): Promise<void> {
  if (own === undefined) return;
  users -= 1;
  if (users > 0) return;
  const ending = await own;
  own = undefined;
  await ending.stop();
}

async function asAdministrator<T>(cluster: Connection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...cluster, database: 'postgres' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Whose tables are in it, too. */
const engine = join(import.meta.dirname, '../../node_modules/@dbos-inc/dbos-sdk/package.json');

async function templateName(): Promise<string> {
  const hash = createHash('sha256').update(await readFile(engine));
  for (const name of (await readdir(migrations)).sort()) {
    hash.update(name).update(await readFile(join(migrations, name)));
  }
  return `template_${hash.digest('hex').slice(0, 16)}`;
}

/** Made once a set of migrations: under another name until it is whole. */
async function ensureTemplate(cluster: Connection): Promise<string> {
  const name = await templateName();
  return await asAdministrator(cluster, async (client) => {
    const exists = async () =>
      (await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).rowCount === 1;
    if (await exists()) return name;
    await client.query('SELECT pg_advisory_lock($1::bigint)', [templateLock]);
    if (await exists()) return name;
    await client.query(`DROP DATABASE IF EXISTS ${name}_new WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${name}_new`);
    const connection = { ...cluster, database: `${name}_new` };
    const database = await connect({ connection }, { max: 1, applicationName: 'template', log });
    const further = () => migrateEngine({ connection }, log);
    await migrate(database, { further }).finally(() => database.close());
    await client.query(`ALTER DATABASE ${name}_new RENAME TO ${name}`);
    return name;
  });
}

function urlOf({ host, port, user, database, password }: Connection): string {
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  return `postgresql://${user}${secret}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
}

/** A database of its own, migrated unless `empty`; `close` it in `after`. */
export async function testDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const cluster = await useCluster();
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`;
  try {
    const template = options.empty ? 'template0' : await ensureTemplate(cluster);
    await asAdministrator(cluster, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  } catch (error) {
    await leaveCluster();
    throw error;
  }
  const connection = { ...cluster, database: name };
  return {
    connection,
    config: { connection },
    url: urlOf(connection),
    async close() {
      await asAdministrator(cluster, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
      await leaveCluster();
    },
  };
}
