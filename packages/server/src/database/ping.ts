/** Whether the database answers, and what time it has. */
import { sql } from 'kysely';
import type { Database } from './connect.ts';

export async function pingDatabase(database: Database): Promise<void> {
  await sql`SELECT 1`.execute(database.db);
}

export async function databaseTime(database: Database): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`SELECT clock_timestamp() AS now`.execute(database.db);
  return rows[0]!.now;
}
