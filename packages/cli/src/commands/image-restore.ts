/** `tintype image restore`: brings back an image whose deletion is delayed. */
import { Argument, type Command } from 'commander';
import { openCall } from '../call.ts';
import { printImage } from '../print-image.ts';

export function addImageRestore(parent: Command): void {
  parent
    .command('restore')
    .description('bring back a deleted image that the server still keeps (administrators)')
    // Names are looked up in lists, and what is deleted is in none.
    .addArgument(new Argument('<id>', 'id of the image'))
    .action(async (id: string, _: object, command: Command) => {
      const { client, settings } = openCall(command);
      await client.restoreImage(id);
      printImage(await client.getImage(id), settings);
    });
}
