/** What an operator does beside a server: database, tokens, configuration. */

import { Failure } from './base/failure.ts';
import type { Log } from './base/log.ts';
import { createLog } from './base/log.ts';
import { printConfig as render } from './config/print.ts';
import type { Database, DatabaseConfig } from './database/connect.ts';
import { migrate, migrationStatus } from './database/migrate.ts';
import { openBeside } from './database/open.ts';
import { notifyIn } from './database/topics.ts';
import { migrateEngine } from './flows/migrate-engine.ts';
import { insertToken, listTokenRecords, revokeTokenRecord } from './identity/token-records.ts';
import { newToken } from './identity/token-text.ts';
import { tokensChanged } from './identity/tokens.ts';
import { readConfig, type ServerOptions } from './main.ts';

export interface MigrationLine {
  readonly number: number;
  readonly name: string;
}

export interface TokenLine {
  readonly id: string;
  readonly user: string;
  readonly project: string | null;
  readonly roles: string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface NewTokenInput {
  readonly project: string | null;
  readonly user: string;
  readonly roles: string[];
  readonly expiresAt: Date | null;
}

/** Opens the database of the configuration, started for this call if no server runs. */
export async function withDatabase<T>(
  options: ServerOptions,
  work: (database: Database, log: Log, config: DatabaseConfig) => Promise<T>,
): Promise<T> {
  const config = await readConfig(options);
  const log = createLog('error');
  const opened = await openBeside({ url: config.database.url, dataDir: config.dataDir }, log);
  try {
    return await work(opened.database, log, opened.config);
  } finally {
    await opened.close();
  }
}

export async function databaseStatus(
  options: ServerOptions,
): Promise<{ applied: (MigrationLine & { appliedAt: Date })[]; pending: MigrationLine[] }> {
  const { applied, pending } = await withDatabase(options, (database) => migrationStatus(database));
  return {
    applied: applied.map(({ number, name, appliedAt }) => ({ number, name, appliedAt })),
    pending: pending.map(({ number, name }) => ({ number, name })),
  };
}

export async function databaseMigrate(options: ServerOptions): Promise<{ applied: MigrationLine[] }> {
  const applied = await withDatabase(options, (database, log, config) =>
    migrate(database, { log, further: () => migrateEngine(config, log) }),
  );
  return { applied: applied.map(({ number, name }) => ({ number, name })) };
}

/** The text of the token is returned here and never again. */
export async function createToken(
  options: ServerOptions,
  input: NewTokenInput,
): Promise<{ id: string; token: string }> {
  const { id, token, digest } = newToken();
  await withDatabase(options, async (database, log) => {
    await migrate(database, { log });
    await insertToken(database, {
      id,
      digest,
      user_id: input.user,
      project_id: input.project,
      roles: input.roles,
      created_at: new Date(),
      expires_at: input.expiresAt,
      revoked_at: null,
    });
  });
  return { id, token };
}

export async function listTokens(options: ServerOptions): Promise<TokenLine[]> {
  const records = await withDatabase(options, async (database, log) => {
    await migrate(database, { log });
    return await listTokenRecords(database);
  });
  return records.map((record) => ({
    id: record.id,
    user: record.user_id,
    project: record.project_id,
    roles: record.roles,
    createdAt: record.created_at,
    expiresAt: record.expires_at,
    revokedAt: record.revoked_at,
  }));
}

/** Every server process refuses the token from then on. Fails with not_found. */
export async function revokeToken(options: ServerOptions, id: string): Promise<void> {
  await withDatabase(options, async (database, log) => {
    await migrate(database, { log });
    if (!(await revokeTokenRecord(database, id, new Date())))
      throw new Failure('not_found', `There is no token ${id} that could be revoked.`);
    await notifyIn(database.db, tokensChanged, {});
  });
}

/** What the configuration comes to, in sentences; fails when it cannot be used. */
export async function checkConfig(options: ServerOptions): Promise<string[]> {
  const config = await readConfig(options);
  return [
    'The configuration is valid.',
    `It listens at ${config.listen}, identity mode ${config.identity.mode}.`,
    config.database.url === null
      ? `The database is embedded in ${config.dataDir}.`
      : 'The database is external.',
    `Stores: ${config.stores.map(({ id, type }) => `${id} (${type})`).join(', ')}.`,
  ];
}

/** YAML with secrets masked. */
export async function printConfig(options: ServerOptions): Promise<string> {
  return render(await readConfig(options));
}
