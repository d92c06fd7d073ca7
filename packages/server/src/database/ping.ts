/** Whether the database answers. */
import { sql } from 'kysely';
import type { Database } from './connect.ts';

export async function pingDatabase(database: Database): Promise<void> {
  await sql`SELECT 1`.execute(database.db);
}
