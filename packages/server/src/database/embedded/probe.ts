/** Asking an embedded PostgreSQL whether it is ready, which version it is, and for its database. */
import pg from 'pg';
import type { Connection } from '../connect.ts';
import { ownName } from './cluster.ts';

async function ask<T>(connection: Connection, question: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...connection, database: 'postgres', connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return await question(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Whether it takes connections; one that is starting, recovering or stopping does not. */
export async function answers(connection: Connection): Promise<boolean> {
  try {
    await ask(connection, (client) => client.query('SELECT 1'));
    return true;
  } catch {
    return false;
  }
}

/** Such as `18.4`. */
export function serverVersion(connection: Connection): Promise<string> {
  return ask(connection, async (client) => {
    const answer = await client.query('SHOW server_version');
    return /\d+(\.\d+)?/.exec(answer.rows[0].server_version)?.[0] ?? '';
  });
}

export function ensureDatabase(connection: Connection): Promise<void> {
  return ask(connection, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [ownName]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${ownName}`);
  });
}
