/** `tintype image unset`: removes properties and tags. */
import type { Command } from 'commander';
import { collect, imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { UsageError } from '../command-error.ts';
import { printImage } from '../print-image.ts';

interface Options {
  property?: string[];
  tag?: string[];
}

export function addImageUnset(parent: Command): void {
  parent
    .command('unset')
    .description('remove properties and tags')
    .addArgument(imageArgument())
    .option('--property <key>', 'property to remove (repeatable)', collect)
    .option('--tag <tag>', 'tag to remove (repeatable)', collect)
    .action(unset);
}

async function unset(nameOrId: string, options: Options, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const { property: properties = [], tag: tags = [] } = options;
  if (properties.length + tags.length === 0)
    throw new UsageError('nothing to remove: name a property or a tag');
  let image = await client.findImage(nameOrId);
  if (properties.length > 0) {
    image = await client.updateImage(image.id, Object.fromEntries(properties.map((name) => [name, null])));
  }
  for (const tag of tags) await client.removeTag(image.id, tag);
  printImage(tags.length > 0 ? await client.getImage(image.id) : image, settings);
}
