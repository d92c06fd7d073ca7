/** The server's code, loaded only by the commands that run it, as everything else should start fast. */
import type { Command } from 'commander';

export interface ServerOptions {
  config?: string;
  data?: string;
  listen?: string;
  role?: string;
}

export function addServerOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the server; defaults and the environment without one')
    .option('--data <folder>', 'data directory of the server');
}

/** What was given on the command line. */
export function serverOptions(command: Command): ServerOptions {
  const { config, data, listen, role } = command.opts<ServerOptions>();
  return Object.fromEntries(
    Object.entries({ config, data, listen, role }).filter(([, value]) => value !== undefined),
  );
}

export async function loadServer() {
  return await import('@tintype/server');
}
