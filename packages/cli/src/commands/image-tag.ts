/** `tintype image tag add|remove`. */
import type { ImageClient } from '@tintype/client';
import type { Command } from 'commander';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { printImage } from '../print-image.ts';

type Change = (client: ImageClient, id: string, tag: string) => Promise<void>;

export function addImageTag(parent: Command): void {
  const tag = parent.command('tag').helpCommand(false).description('add and remove tags');
  addChange(tag, 'add', 'add tags to an image', (client, id, text) => client.addTag(id, text));
  addChange(tag, 'remove', 'remove tags from an image', (client, id, text) => client.removeTag(id, text));
}

function addChange(parent: Command, name: string, description: string, change: Change): void {
  parent
    .command(name)
    .description(description)
    .addArgument(imageArgument())
    .argument('<tag...>', 'the tags')
    .action(async (nameOrId: string, tags: string[], _: object, command: Command) => {
      const { client, settings } = openCall(command);
      const { id } = await client.findImage(nameOrId);
      for (const tag of tags) await change(client, id, tag);
      printImage(await client.getImage(id), settings);
    });
}
