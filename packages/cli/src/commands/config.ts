/** `tintype config check|print`: what the server would run with. */
import type { Command } from 'commander';
import { printJson, printLine } from '../output.ts';
import { addServerOptions, loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

export function addConfig(parent: Command): void {
  const config = parent
    .command('config')
    .helpCommand(false)
    .description("look at the server's configuration");
  addServerOptions(config.command('check').description('say whether the configuration can be used')).action(
    check,
  );
  addServerOptions(
    config.command('print').description('print it as YAML with every default, secrets masked'),
  ).action(print);
}

async function check(_: object, command: Command): Promise<void> {
  const { checkConfig } = await loadServer();
  const findings = await checkConfig(serverOptions(command));
  const { json, quiet } = readSettings(command);
  if (json) return printJson({ ok: true, findings });
  if (!quiet) for (const line of findings) printLine(line);
}

async function print(_: object, command: Command): Promise<void> {
  const { printConfig } = await loadServer();
  const yaml = await printConfig(serverOptions(command));
  if (readSettings(command).json) printJson({ yaml });
  else process.stdout.write(yaml);
}
