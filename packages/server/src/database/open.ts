/** The database of a server: embedded in the data directory, or the PostgreSQL that a URL names. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import { connect, type Database, type DatabaseConfig } from './connect.ts';
import { attachEmbedded } from './embedded/attach.ts';
import { type DataLock, lockDataDirectory } from './embedded/data-lock.ts';
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

/** Milliseconds that a server which is just starting gets before a command beside it gives up. */
const patienceMs = 30_000;

/** As `openDatabase`, beside a server that runs already, or in its place while none does. */
export async function openBeside(place: DatabasePlace, log: Log): Promise<OpenDatabase> {
  if (place.url !== null) return await openDatabase(place, 2, log);
  for (const giveUp = performance.now() + patienceMs; ; await delay(250)) {
    const running = await attachEmbedded(place.dataDir);
    if (running !== null) return await opened({ connection: running }, 2, log, async () => {});
    const lock = await lockDataDirectory(place.dataDir, { listen: 'no address' }).catch((error: unknown) => {
      // A server holds the directory, but its database does not answer yet.
      if (performance.now() > giveUp) throw error;
      return null;
    });
    if (lock !== null) return await openAlone(place, lock, log);
  }
}

/** Holds the data directory until the end, so that no server starts on it. */
async function openAlone(place: DatabasePlace, lock: DataLock, log: Log): Promise<OpenDatabase> {
  try {
    const open = await openDatabase(place, 2, log);
    const close = async () => {
      await open.close();
      await lock.release();
    };
    return { ...open, close };
  } catch (error) {
    await lock.release();
    throw error;
  }
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
