/** `tintype serve`: the server itself. */
import type { Command } from 'commander';
import { addServerOptions, loadServer, type ServerOptions, serverOptions } from '../server-parts.ts';

export function addServe(parent: Command): void {
  const command = parent.command('serve').description('run the server until it gets SIGTERM or SIGINT');
  addServerOptions(command)
    .option('--listen <host:port>', 'where to listen')
    .action(async (_: ServerOptions, self: Command) => {
      const { serve } = await loadServer();
      await serve(serverOptions(self));
    });
}
