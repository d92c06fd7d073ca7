/** `tintype db status|migrate`: the schema of the database. */
import type { Command } from 'commander';
import { printJson, printLine, printTable } from '../output.ts';
import { addServerOptions, loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

export function addDb(parent: Command): void {
  const db = parent.command('db').helpCommand(false).description("look after the server's database");
  addServerOptions(
    db.command('status').description('list the migrations that were applied and those that wait'),
  ).action(status);
  addServerOptions(db.command('migrate').description('apply the migrations that wait')).action(migrate);
}

async function status(_: object, command: Command): Promise<void> {
  const { databaseStatus } = await loadServer();
  const result = await databaseStatus(serverOptions(command));
  if (readSettings(command).json) return printJson(result);
  const applied = result.applied.map(({ number, name, appliedAt }) => [
    String(number),
    name,
    appliedAt.toISOString(),
  ]);
  const pending = result.pending.map(({ number, name }) => [String(number), name, 'waits']);
  printTable(['NUMBER', 'NAME', 'APPLIED'], [...applied, ...pending]);
}

async function migrate(_: object, command: Command): Promise<void> {
  const { databaseMigrate } = await loadServer();
  const result = await databaseMigrate(serverOptions(command));
  if (readSettings(command).json) return printJson(result);
  if (result.applied.length === 0) printLine('nothing to do: every migration was applied before');
  for (const { number, name } of result.applied) printLine(`applied ${number} ${name}`);
}
