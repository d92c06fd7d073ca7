/** Locations whose data is still to be read once: written down with the location, gone with the verdict. */
import { sql } from 'kysely';
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';
import type { Signer } from './signing/signer.ts';

export interface LocationCheck {
  /** Also that of its task. */
  readonly id: string;
  readonly image_id: string;
  readonly location_id: string;
  /** What the client says the data is; null: nothing. */
  readonly algorithm: string | null;
  readonly digest: string | null;
  /** Whose signature the data must have; null: nobody's. */
  readonly signer: Signer | null;
  /** How often it was begun, this time included. */
  readonly attempts: number;
}

/** By the clock of the database, as every node reads it; never in its future, whose columns have milliseconds. */
const inMs = (delayMs: number) =>
  sql<Date>`date_trunc('milliseconds', now()) + ${delayMs} * interval '1 millisecond'`;

const columns = sql.raw('id, image_id, location_id, algorithm, digest, signer, attempts');

export async function insertCheck(queries: Queries, check: Omit<LocationCheck, 'attempts'>): Promise<void> {
  await queries
    .insertInto('location_checks')
    .values({
      ...check,
      signer: check.signer && JSON.stringify(check.signer),
      process: null,
      attempts: 0,
      not_before: inMs(0),
      created_at: inMs(0),
    })
    .execute();
}

/** Gives up to `most` of those that wait to this process, oldest first. */
export async function claimChecks(
  database: Database,
  process: number,
  most: number,
): Promise<LocationCheck[]> {
  const { rows } = await sql<LocationCheck>`
    UPDATE location_checks SET process = ${process}, attempts = attempts + 1
    WHERE id IN (
      SELECT id FROM location_checks WHERE process IS NULL AND not_before <= now()
      ORDER BY created_at LIMIT ${most} FOR UPDATE SKIP LOCKED)
    RETURNING ${columns}`.execute(database.db);
  return rows;
}

/** Takes the check away; false when it is not this process's any more, which then must not decide. */
export async function takeCheck(queries: Queries, id: string, process: number): Promise<boolean> {
  const done = await queries
    .deleteFrom('location_checks')
    .where('id', '=', id)
    .where('process', '=', process)
    .executeTakeFirst();
  return done.numDeletedRows > 0n;
}

/** Has it begun again by anybody, in `delayMs`; it counts as begun `check.attempts` times. */
export async function postponeCheck(
  database: Database,
  { id, attempts }: Pick<LocationCheck, 'id' | 'attempts'>,
  process: number,
  delayMs = 0,
): Promise<void> {
  await database.db
    .updateTable('location_checks')
    .set({ process: null, attempts, not_before: inMs(delayMs) })
    .where('id', '=', id)
    .where('process', '=', process)
    .execute();
}

/** Gives back what the process has, except for those named; resolves with how many. */
export async function releaseChecks(
  database: Database,
  process: number,
  except: readonly string[] = [],
): Promise<number> {
  const done = await database.db
    .updateTable('location_checks')
    .set({ process: null })
    .where('process', '=', process)
    .where('id', '<>', sql<string>`ALL (${except}::uuid[])`)
    .executeTakeFirst();
  return Number(done.numUpdatedRows);
}

/** Every process that has one, dead or alive. */
export async function checkingProcesses(database: Database): Promise<number[]> {
  const rows = await database.db
    .selectFrom('location_checks')
    .select('process')
    .distinct()
    .where('process', 'is not', null)
    .execute();
  return rows.map(({ process }) => process!);
}
