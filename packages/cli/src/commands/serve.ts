/** `tintype serve`: the server itself. */
import type { Command } from 'commander';
import { addServerOptions, loadServer, type ServerOptions, serverOptions } from '../server-parts.ts';

export function addServe(parent: Command): void {
  const command = parent.command('serve').description('run the server until it gets SIGTERM or SIGINT');
  addServerOptions(command)
    .option('--listen <host:port>', 'where to listen')
    .option('--role <role>', 'api: answer requests; worker: carry out imports; api,worker: both, the default')
    .action(async (_: ServerOptions, self: Command) => {
      const { serve } = await loadServer();
      await serve(serverOptions(self));
    });
}
