/** `tintype image deactivate|reactivate`: takes the data of an image out of service and puts it back. */
import type { ImageClient } from '@tintype/client';
import type { Command } from 'commander';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { printImage } from '../print-image.ts';

type Change = (client: ImageClient, id: string) => Promise<void>;

export function addImageActivity(parent: Command): void {
  addChange(parent, 'deactivate', 'let nobody but administrators read the data', (client, id) =>
    client.deactivateImage(id),
  );
  addChange(parent, 'reactivate', 'let the data be read again', (client, id) => client.reactivateImage(id));
}

function addChange(parent: Command, name: string, description: string, change: Change): void {
  parent
    .command(name)
    .description(description)
    .addArgument(imageArgument())
    .action(async (nameOrId: string, _: object, command: Command) => {
      const { client, settings } = openCall(command);
      const { id } = await client.findImage(nameOrId);
      await change(client, id);
      printImage(await client.getImage(id), settings);
    });
}
