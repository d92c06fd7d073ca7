/** Brings the engine's own tables up to date: called under the lock of our migrations. */
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import { type DatabaseConfig, openPool } from '../database/connect.ts';
import { asDatabaseFailure } from '../database/errors.ts';
import { engineSchema, loadDbos, noAddress } from './dbos.ts';
import { engineLog } from './engine-log.ts';

/** PostgreSQL's word for a missing privilege. */
const insufficientPrivilege = '42501';

/** Fails with internal when the user of the database may not make a schema in it. */
export async function migrateEngine(config: DatabaseConfig, log: Log): Promise<void> {
  const { ensureSystemDatabase } = loadDbos().internal;
  const pool = openPool(config, { max: 1, applicationName: 'tintype migration', log, statementLimit: 0 });
  try {
    const logger = engineLog(log) as Parameters<typeof ensureSystemDatabase>[1];
    await ensureSystemDatabase(noAddress, logger, pool, engineSchema, false);
  } catch (cause) {
    const isRefused = cause instanceof Error && 'code' in cause && cause.code === insufficientPrivilege;
    if (!isRefused) throw asDatabaseFailure(cause);
    throw new Failure(
      'internal',
      `This user may not make or use the schema ${engineSchema} in the database: it needs CREATE on the database, or all rights on the schema once another user has made it.`,
      { cause },
    );
  } finally {
    await pool.end();
  }
}
