/** The first start makes a token for an administrator and keeps it in the data directory, readable by its owner only. */
import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Database } from '../database/connect.ts';
import { findToken, insertToken } from './token-records.ts';
import { newToken, parseToken } from './token-text.ts';

/** Writes whole or not at all: the name appears only once the text is on disk. */
async function writeSecret(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/**
 * Path of the file with the administrator's token. The token in it is kept as long as the database knows it
 * (revoked ones too: the operator decided that); a file of another database is replaced.
 */
export async function ensureFirstToken(database: Database, dataDir: string): Promise<string> {
  const file = path.join(dataDir, 'admin.token');
  const text = await readFile(file, 'utf8').catch(() => '');
  const present = parseToken(text.trim());
  if (present !== null && (await findToken(database, present.id)) !== undefined) return file;
  const made = newToken();
  await writeSecret(file, `${made.token}\n`);
  await insertToken(database, {
    id: made.id,
    digest: made.digest,
    user_id: 'admin',
    project_id: 'admin',
    roles: ['admin'],
    created_at: new Date(),
    expires_at: null,
    revoked_at: null,
  });
  return file;
}
