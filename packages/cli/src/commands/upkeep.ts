/** `tintype upkeep list|run`: what the servers look after by themselves, done now or only looked at. */
import type { Command } from 'commander';
import { printJson, printLine, printTable } from '../output.ts';
import { addServerOptions, loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

export function addUpkeep(parent: Command): void {
  const upkeep = parent
    .command('upkeep')
    .helpCommand(false)
    .description('see and do what the servers look after every hour');
  upkeep.command('list').description('list the jobs').action(list);
  addServerOptions(upkeep.command('run').description('do one job now, beside the servers or without them'))
    .argument('<name>', 'name of the job')
    .option('--dry-run', 'only say what is due')
    .action(run);
}

async function list(_: object, command: Command): Promise<void> {
  const { listUpkeep } = await loadServer();
  const jobs = listUpkeep();
  const { json, quiet } = readSettings(command);
  if (json) return printJson(jobs);
  if (quiet) {
    for (const { name } of jobs) printLine(name);
    return;
  }
  printTable(
    ['NAME', 'DOES'],
    jobs.map(({ name, does }) => [name, does]),
  );
}

async function run(name: string, options: { dryRun?: true }, command: Command): Promise<void> {
  const { runUpkeep } = await loadServer();
  const result = await runUpkeep(serverOptions(command), { name, dryRun: options.dryRun === true });
  const { json, quiet } = readSettings(command);
  if (json) return printJson(result);
  for (const id of result.ids) printLine(id);
  if (!quiet) printLine(`${name}: ${result.count} ${result.dryRun ? 'due' : 'done'}`);
}
