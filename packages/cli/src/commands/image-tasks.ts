/** `tintype image tasks`: what was done to an image and how it ended. */
import type { Command } from 'commander';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { printJson, printLine, printTable } from '../output.ts';

export function addImageTasks(parent: Command): void {
  parent
    .command('tasks')
    .description('show what was done to an image and how it ended')
    .addArgument(imageArgument())
    .action(async (nameOrId: string, _: object, command: Command) => {
      const { client, settings } = openCall(command);
      const { id } = await client.findImage(nameOrId);
      const tasks = await client.listTasks(id);
      if (settings.json) return printJson(tasks);
      if (settings.quiet) {
        for (const task of tasks) printLine(task.id);
        return;
      }
      const rows = tasks.map((task) => [
        task.id,
        task.type,
        task.status,
        task.updated_at,
        task.message ?? '',
      ]);
      printTable(['ID', 'TYPE', 'STATUS', 'UPDATED', 'MESSAGE'], rows);
    });
}
