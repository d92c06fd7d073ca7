/** Brings the database to the schema of `migrations/`: numbered files, each in its own transaction, once. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Database } from './connect.ts';
import type { Tables } from './tables.ts';

export interface Migration {
  readonly number: number;
  /** The file's name. */
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
}

interface AppliedMigration extends Migration {
  readonly appliedAt: Date;
}

export interface MigrationStatus {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly Migration[];
  /** Recorded in the database but not among our files: a newer Tintype was here. */
  readonly unknown: readonly AppliedMigration[];
  /** Applied, but the file is no longer what it was. */
  readonly changed: readonly Migration[];
}

interface MigrateOptions {
  readonly log?: Log;
  /** Another folder of migrations. */
  readonly folder?: string;
  /** Brings further tables of the same database up to date, under the same lock and after ours. */
  readonly further?: () => Promise<void>;
}

interface MigrationFile extends Migration {
  readonly text: string;
}

const ownFolder = join(import.meta.dirname, 'migrations');
/** Any number, the same in every Tintype. */
const advisoryLock = 7_461_736_501;
const fileName = /^(\d{4})-[a-z0-9-]+\.sql$/;

async function readFiles(folder: string): Promise<MigrationFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const files: MigrationFile[] = [];
  for (const name of names) {
    const number = Number(fileName.exec(name)?.[1] ?? Number.NaN);
    if (number !== files.length + 1) {
      const expected = `${String(files.length + 1).padStart(4, '0')}-….sql`;
      throw new Failure('internal', `The migration ${name} is out of order: ${expected} was expected.`);
    }
    const text = await readFile(join(folder, name), 'utf8');
    files.push({ number, name, text, digest: createHash('sha256').update(text).digest('hex') });
  }
  return files;
}

async function readApplied(db: Kysely<Tables>): Promise<AppliedMigration[]> {
  const found = await sql<{ present: boolean }>`
    SELECT to_regclass('schema_migrations') IS NOT NULL AS present`.execute(db);
  if (found.rows[0]?.present !== true) return [];
  const rows = await db.selectFrom('schema_migrations').selectAll().orderBy('number').execute();
  return rows.map(({ number, name, digest, applied_at }) => ({
    number,
    name,
    digest,
    appliedAt: applied_at,
  }));
}

function compare(files: readonly MigrationFile[], applied: readonly AppliedMigration[]): MigrationStatus {
  const recorded = new Map(applied.map((one) => [one.number, one]));
  const bare = ({ number, name, digest }: Migration) => ({ number, name, digest });
  const isChanged = (file: Migration) => {
    const record = recorded.get(file.number);
    return record !== undefined && record.digest !== file.digest;
  };
  return {
    applied: applied.filter((one) => one.number <= files.length),
    pending: files.filter((file) => !recorded.has(file.number)).map(bare),
    unknown: applied.filter((one) => one.number > files.length),
    changed: files.filter(isChanged).map(bare),
  };
}

function refuseStrange(status: MigrationStatus): void {
  const newer = status.unknown.at(-1);
  if (newer !== undefined) {
    throw new Failure(
      'unavailable',
      `The database was made by a newer Tintype (it has the migration ${newer.name}): start that version or a later one.`,
    );
  }
  const changed = status.changed[0];
  if (changed !== undefined) {
    throw new Failure(
      'internal',
      `The migration ${changed.name} was changed after this database had it: put the file back as it was.`,
    );
  }
}

async function createRecord(db: Kysely<Tables>): Promise<void> {
  try {
    await sql`
      CREATE TABLE IF NOT EXISTS schema_migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        digest text NOT NULL,
        applied_at timestamptz(3) NOT NULL DEFAULT now()
      )`.execute(db);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('internal', `This user may not create tables in the database: ${reason}.`, { cause });
  }
}

async function applyOne(db: Kysely<Tables>, file: MigrationFile): Promise<void> {
  const { number, name, digest, text } = file;
  try {
    await db.transaction().execute(async (trx) => {
      await sql.raw(text).execute(trx);
      await trx.insertInto('schema_migrations').values({ number, name, digest }).execute();
    });
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('internal', `The migration ${name} failed: ${reason}.`, { cause });
  }
}

async function applyPending(db: Kysely<Tables>, files: readonly MigrationFile[], log?: Log) {
  const status = compare(files, await readApplied(db));
  refuseStrange(status);
  if (status.pending.length > 0) {
    await createRecord(db);
  }
  for (const { number, name } of status.pending) {
    await applyOne(db, files[number - 1]!);
    log?.info({ migration: name }, 'database migrated');
  }
  return status.pending;
}

async function tryLock(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    SELECT pg_try_advisory_lock(${advisoryLock}::bigint) AS locked`.execute(db);
  return rows[0]!.locked;
}

/** Milliseconds between two tries to get the lock. */
const lockEvery = 100;

/**
 * Runs `work` while no other process migrates; the lock goes with the connection if that is lost. A process that
 * waited for the lock in one statement would hold a snapshot, and an index that is built concurrently would wait
 * for that, under the very lock.
 */
async function underLock<T>(db: Kysely<Tables>, work: () => Promise<T>): Promise<T> {
  const setTimeLimit = (limit: string) => sql`SELECT set_config('statement_timeout', ${limit}, false)`;
  const limit = await sql<{ now: string }>`SELECT current_setting('statement_timeout') AS now`.execute(db);
  await setTimeLimit('0').execute(db);
  while (!(await tryLock(db))) await delay(lockEvery);
  const release = async () => {
    await sql`SELECT pg_advisory_unlock(${advisoryLock}::bigint)`.execute(db);
    await setTimeLimit(limit.rows[0]!.now).execute(db);
  };
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await release().catch(() => {});
    throw error;
  }
  await release();
  return result;
}

/**
 * Applies what is missing and resolves with it. Several processes may call it at once: one works, the others
 * wait and find nothing to do. Fails with unavailable on a database newer than the code, with internal when an
 * applied file was changed or one fails (which leaves the ones before it applied).
 */
export async function migrate(
  database: Database,
  options: MigrateOptions = {},
): Promise<readonly Migration[]> {
  const files = await readFiles(options.folder ?? ownFolder);
  const { log, further } = options;
  return database.db.connection().execute((db) =>
    underLock(db, async () => {
      const applied = await applyPending(db, files, log);
      await further?.();
      return applied;
    }),
  );
}

/** What the database has had and what it lacks; changes nothing. */
export async function migrationStatus(
  database: Database,
  options: MigrateOptions = {},
): Promise<MigrationStatus> {
  const files = await readFiles(options.folder ?? ownFolder);
  return compare(files, await readApplied(database.db));
}
