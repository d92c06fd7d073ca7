/** The database of a server: embedded in the data directory, or the PostgreSQL that a URL names. */
import type { Log } from '../base/log.ts';
import { connect, type Database, type DatabaseConfig } from './connect.ts';
import { attachEmbedded } from './embedded/attach.ts';
import { startEmbedded } from './embedded/start.ts';

export interface DatabasePlace {
  /** null: embedded. */
  readonly url: string | null;
  readonly dataDir: string;
}

export interface OpenDatabase {
  readonly database: Database;
  readonly config: DatabaseConfig;
  /** Ends the connections, then the embedded PostgreSQL if we started it. */
  close(): Promise<void>;
}

const applicationName = 'tintype';

/** Starts the embedded PostgreSQL when the place asks for one; the caller holds the data directory's lock. */
export async function openDatabase(place: DatabasePlace, poolSize: number, log: Log): Promise<OpenDatabase> {
  if (place.url !== null) return await opened({ url: place.url }, poolSize, log, async () => {});
  const embedded = await startEmbedded({ dataDir: place.dataDir, log });
  const stop = () => embedded.stop();
  return await opened({ connection: embedded.connection }, poolSize, log, stop);
}

/** As `openDatabase`, beside a server that runs already, or in its place while none does. */
export async function openBeside(place: DatabasePlace, log: Log): Promise<OpenDatabase> {
  const running = place.url === null ? await attachEmbedded(place.dataDir) : null;
  if (running !== null) return await opened({ connection: running }, 2, log, async () => {});
  return await openDatabase(place, 2, log);
}

async function opened(
  config: DatabaseConfig,
  max: number,
  log: Log,
  stop: () => Promise<void>,
): Promise<OpenDatabase> {
  try {
    const database = await connect(config, { max, applicationName, log });
    const close = async () => {
      await database.close();
      await stop();
    };
    return { database, config, close };
  } catch (error) {
    await stop();
    throw error;
  }
}
