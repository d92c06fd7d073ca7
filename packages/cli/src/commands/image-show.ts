/** `tintype image show`: one record. */
import type { Command } from 'commander';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { printImage } from '../print-image.ts';

export function addImageShow(parent: Command): void {
  parent
    .command('show')
    .description('show an image')
    .addArgument(imageArgument())
    .action(async (nameOrId: string, _: object, command: Command) => {
      const { client, settings } = openCall(command);
      printImage(await client.findImage(nameOrId), settings);
    });
}
