/** `tintype image set`: new values for attributes, properties and tags. */
import type { Command } from 'commander';
import {
  type AttributeOptions,
  addAttributeOptions,
  chosenAttributes,
  imageArgument,
} from '../attributes.ts';
import { openCall } from '../call.ts';
import { UsageError } from '../command-error.ts';
import { printImage } from '../print-image.ts';

interface Options extends AttributeOptions {
  name?: string;
}

export function addImageSet(parent: Command): void {
  const command = parent
    .command('set')
    .description('change attributes, set properties and add tags')
    .addArgument(imageArgument())
    .option('--name <name>', 'new name');
  addAttributeOptions(command).action(set);
}

async function set(nameOrId: string, options: Options, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const { name, tag: tags = [] } = options;
  const changes = { ...chosenAttributes(options), ...(name === undefined ? {} : { name }) };
  const changed = Object.keys(changes).length > 0;
  if (!changed && tags.length === 0)
    throw new UsageError('nothing to set: name an attribute, a property or a tag');
  let image = await client.findImage(nameOrId);
  if (changed) image = await client.updateImage(image.id, changes);
  // One by one, so that tags which others add meanwhile stay.
  for (const tag of tags) await client.addTag(image.id, tag);
  printImage(tags.length > 0 ? await client.getImage(image.id) : image, settings);
}
