/** `tintype upkeep list|run`: what the servers look after by themselves, done now or only looked at. */
import type { Command } from 'commander';
import { UsageError } from '../command-error.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { addServerOptions, loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';
import { type ReconcileOptions, reconcile } from './reconcile.ts';

export function addUpkeep(parent: Command): void {
  const upkeep = parent
    .command('upkeep')
    .helpCommand(false)
    .description('see and do what the servers look after every hour');
  upkeep.command('list').description('list the jobs').action(list);
  addServerOptions(upkeep.command('run').description('do one job now, beside the servers or without them'))
    .argument('<name>', 'name of the job')
    .option('--dry-run', 'only say what is due')
    .option(
      '--repair',
      'reconcile: remove bytes without records, and read other copies than those in trouble',
    )
    .option('--scrub', 'reconcile: read all data and compare digests')
    .option('--sample <percent>', 'reconcile: scrub so much of the copies only, others each time', readShare)
    .option('--rate <MiB/s>', 'reconcile: read no faster than this in a scrub', readRate)
    .action(run);
}

interface RunOptions extends ReconcileOptions {
  readonly dryRun?: true;
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

async function run(name: string, options: RunOptions, command: Command): Promise<void> {
  if (name === 'reconcile') return await reconcile(options, command);
  const given = (['repair', 'scrub', 'sample', 'rate'] as const).find((one) => options[one] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} is for reconcile, not for ${name}.`);
  const { runUpkeep } = await loadServer();
  const result = await runUpkeep(serverOptions(command), { name, dryRun: options.dryRun === true });
  const { json, quiet } = readSettings(command);
  if (json) return printJson(result);
  for (const id of result.ids) printLine(id);
  if (!quiet) printLine(`${name}: ${result.count} ${result.dryRun ? 'due' : 'done'}`);
}

function readRate(text: string): number {
  const rate = Number(text);
  if (!(rate > 0 && rate < 1e6)) throw new UsageError(`--rate is a number of MiB a second, not ${text}.`);
  return rate;
}

/** Resolves with a part of 1. */
function readShare(text: string): number {
  const percent = Number(text);
  if (percent > 0 && percent <= 100) return percent / 100;
  throw new UsageError(`--sample is a number of percent, above 0 and up to 100, not ${text}.`);
}
