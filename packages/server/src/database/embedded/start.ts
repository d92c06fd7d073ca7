/** The embedded PostgreSQL: brought up, kept up while we run, stopped with us. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../base/failure.ts';
import type { Log } from '../../base/log.ts';
import type { Connection } from '../connect.ts';
import type { Account } from './account.ts';
import { type Binaries, prepareBinaries } from './binaries.ts';
import { ownName, prepareCluster } from './cluster.ts';
import { type Place, preparePlace } from './place.ts';
import { adopt, launch, type Postmaster, shutDown } from './postmaster.ts';
import { clearStaleLocks, findServer } from './postmaster-file.ts';
import { answers, ensureDatabase, serverVersion } from './probe.ts';
import { commandOf } from './processes.ts';
import { keepLogsSmall } from './server-logs.ts';
import { type Settings, serverArguments } from './settings.ts';
import { port, prepareSocketFolder } from './socket.ts';

export interface EmbeddedDatabase {
  /** For `connect()`; the same for as long as this runs. */
  readonly connection: Connection;
  /** Fast shutdown, immediate after 30 s. A second call waits for the first. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** PostgreSQL settings that win over ours. */
  readonly settings?: Settings;
}

const longestRecoveryMillis = 600_000;
const steadyMillis = 60_000;
const slowestRestartMillis = 10_000;

class Supervisor implements EmbeddedDatabase {
  readonly connection: Connection;
  readonly #log: Log;
  readonly #place: Place;
  readonly #account: Account | null;
  readonly #binaries: Binaries;
  readonly #arguments: readonly string[];
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;
  #postmaster: Postmaster | undefined;
  #watching: Promise<void> = Promise.resolve();
  #logKeeper: NodeJS.Timeout | undefined;

  constructor(parts: {
    log: Log;
    place: Place;
    account: Account | null;
    binaries: Binaries;
    socketFolder: string;
    settings: Settings | undefined;
  }) {
    this.#log = parts.log;
    this.#place = parts.place;
    this.#account = parts.account;
    this.#binaries = parts.binaries;
    this.#arguments = serverArguments(parts.place, parts.socketFolder, parts.settings);
    this.connection = { host: parts.socketFolder, port, user: ownName, database: ownName };
  }

  async begin(): Promise<void> {
    this.#postmaster = (await this.#adoptOrphan()) ?? (await this.#bringUp());
    await ensureDatabase(this.connection);
    this.#watching = this.#watch();
    this.#logKeeper = keepLogsSmall(this.#place.logs);
  }

  /** A server left by a killed process of ours: kept when it is just what we would start, else stopped. */
  async #adoptOrphan(): Promise<Postmaster | null> {
    const found = await findServer(this.#place);
    if (found === null) return null;
    const orphan = adopt(found.pid);
    const wanted = [this.#binaries.postgres, ...this.#arguments];
    const isWanted = JSON.stringify(commandOf(found.pid)) === JSON.stringify(wanted);
    if (isWanted && found.status !== 'stopping' && (await this.#becomesReady(orphan))) {
      if ((await serverVersion(this.connection)) === this.#binaries.version) {
        this.#log.info({ pid: found.pid }, 'PostgreSQL was left running: took it over');
        return orphan;
      }
    }
    this.#log.info({ pid: found.pid }, 'PostgreSQL was left running in another form: restarting it');
    await shutDown(orphan, this.#log);
    return null;
  }

  async #bringUp(): Promise<Postmaster> {
    // Nobody but the holder of the data directory's lock comes here, and no server runs: see `begin` and `watch`.
    await clearStaleLocks(this.#place, this.connection.host);
    const postmaster = await launch(this.#binaries.postgres, this.#arguments, this.#place, this.#account);
    if (await this.#becomesReady(postmaster)) {
      this.#log.info({ pid: postmaster.pid, version: this.#binaries.version }, 'PostgreSQL runs');
      return postmaster;
    }
    await shutDown(postmaster, this.#log);
    const said = (await readFile(this.#place.startLog, 'utf8').catch(() => '')).trim().split('\n').at(-1);
    throw new Failure(
      'unavailable',
      `PostgreSQL does not start: ${said || 'it did not answer in time'} (more in ${this.#place.logs}).`,
    );
  }

  /** False when it ended, when we are to stop, or after ten minutes of recovery. */
  async #becomesReady(postmaster: Postmaster): Promise<boolean> {
    const end = performance.now() + longestRecoveryMillis;
    while (!postmaster.hasEnded() && !this.#stopping.signal.aborted && performance.now() < end) {
      const server = await findServer(this.#place);
      const isReady = server?.pid === postmaster.pid && server.status === 'ready';
      if (isReady && (await answers(this.connection))) return true;
      await delay(25);
    }
    return false;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    let wait = 100;
    while (!signal.aborted) {
      const since = performance.now();
      const reason = await Promise.race([this.#postmaster!.ended, aborted]);
      if (signal.aborted) return;
      this.#log.error({ pid: this.#postmaster!.pid, reason }, 'PostgreSQL ended: restarting it');
      wait = performance.now() - since > steadyMillis ? 100 : Math.min(wait * 2, slowestRestartMillis);
      await delay(wait, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.#bringUp().then(
        (postmaster) => {
          this.#postmaster = postmaster;
        },
        (err: unknown) => {
          if (!signal.aborted) this.#log.error({ err }, 'PostgreSQL could not be restarted: trying again');
        },
      );
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    clearInterval(this.#logKeeper);
    this.#stopping.abort();
    await this.#watching;
    if (this.#postmaster !== undefined) await shutDown(this.#postmaster, this.#log);
    this.#log.info('PostgreSQL stopped');
  }
}

/**
 * Brings up the PostgreSQL of `dataDir`, making it at first. The caller holds the lock of the data directory.
 * Fails with unavailable and a sentence when it cannot run here.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { dataDir, log, settings } = options;
  const { place, account } = await preparePlace(dataDir, log);
  const binaries = await prepareBinaries(place.root, account, log);
  await prepareCluster(place, binaries, account, log);
  const socketFolder = await prepareSocketFolder(place, account);
  const supervisor = new Supervisor({ log, place, account, binaries, socketFolder, settings });
  try {
    await supervisor.begin();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return supervisor;
}
