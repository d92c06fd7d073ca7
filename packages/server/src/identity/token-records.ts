/** Tokens in the database. */
import type { Database } from '../database/connect.ts';

export interface TokenRecord {
  readonly id: string;
  readonly digest: Uint8Array;
  readonly user_id: string;
  readonly project_id: string | null;
  readonly roles: string[];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

export async function insertToken(database: Database, record: TokenRecord): Promise<void> {
  await database.db
    .insertInto('tokens')
    .values({ ...record, digest: Buffer.from(record.digest) })
    .execute();
}

export async function findToken(database: Database, id: string): Promise<TokenRecord | undefined> {
  return await database.db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function listTokenRecords(database: Database): Promise<TokenRecord[]> {
  return await database.db.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').execute();
}

/** False when there is no such token or it was revoked before. */
export async function revokeTokenRecord(database: Database, id: string, at: Date): Promise<boolean> {
  const done = await database.db
    .updateTable('tokens')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return done.numUpdatedRows > 0n;
}
