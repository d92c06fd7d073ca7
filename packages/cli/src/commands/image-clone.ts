/** `tintype image clone`: an image comes to be in another region, too. */
import type { ImageCloneRequest } from '@tintype/client';
import type { Command } from 'commander';
import { waitForEnd } from '../action-end.ts';
import { collect, collectProperty, imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { watchForSignals } from '../interruption.ts';
import { printAction } from '../print-action.ts';

interface Options {
  name?: string;
  tag?: string[];
  property?: Record<string, string>;
  store?: string;
  wait?: true;
}

export function addImageClone(parent: Command): void {
  parent
    .command('clone')
    .description('have the server make the image in another region, too')
    .addArgument(imageArgument())
    .argument('<region>', 'name of the region')
    .option('--name <name>', 'another name there')
    .option('--property <key=value>', 'set a property there (repeatable)', collectProperty)
    .option('--tag <tag>', 'tag there, instead of those of the image (repeatable)', collect)
    .option('--store <id>', 'store there to put the data in')
    .option('--wait', 'wait for the end')
    .action(start);
}

async function start(
  nameOrId: string,
  region: string,
  { name, tag: tags, property, store, wait }: Options,
  command: Command,
): Promise<void> {
  const call = openCall(command);
  const image = await call.client.findImage(nameOrId);
  const changes = {
    ...property,
    ...(name === undefined ? {} : { name }),
    ...(tags === undefined ? {} : { tags }),
  };
  const request: ImageCloneRequest = {
    image_ref: `/v2/images/${image.id}`,
    region,
    ...(Object.keys(changes).length === 0 ? {} : { image_properties: changes }),
    ...(store === undefined ? {} : { store }),
  };
  using watch = watchForSignals();
  const action = await call.client.startClone(request, watch.signal);
  if (wait !== true) return printAction(action, call.settings);
  printAction(await waitForEnd(call, action, image.name ?? image.id, watch.signal), call.settings);
}
