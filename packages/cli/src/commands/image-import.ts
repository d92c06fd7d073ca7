/** `tintype image import`: an image that comes to be with its data, which the server fetches. */
import type { ImageImportRequest } from '@tintype/client';
import type { Command } from 'commander';
import { waitForEnd } from '../action-end.ts';
import {
  type AttributeOptions,
  addAttributeOptions,
  chosenAttributes,
  collect,
  wholeNumber,
} from '../attributes.ts';
import { openCall } from '../call.ts';
import { UsageError } from '../command-error.ts';
import { watchForSignals } from '../interruption.ts';
import { printAction } from '../print-action.ts';
import { printImage } from '../print-image.ts';
import { parseDigests } from '../send-data.ts';

interface Options extends AttributeOptions {
  location: string;
  digest?: string;
  size?: number;
  store?: string[];
  wait?: true;
}

export function addImageImport(parent: Command): void {
  const command = parent
    .command('import')
    .description('have the server fetch data; the image is there when its data is')
    .argument('<name>', 'name of the new image')
    .requiredOption('--location <url>', 'http or https URL of the data');
  addAttributeOptions(command)
    .option('--digest <algorithm=hex>', 'refuse other data')
    .option('--size <bytes>', 'refuse data of another size', wholeNumber)
    .option('--store <id>', 'store to put the data in (repeatable)', collect)
    .option('--wait', 'wait for the end, and show the image')
    .action(start);
}

async function start(name: string, options: Options, command: Command): Promise<void> {
  const call = openCall(command);
  const { location, digest, size, store: stores, tag: tags } = options;
  const request: ImageImportRequest = {
    location,
    image_properties: { name, ...(tags === undefined ? {} : { tags }), ...chosenAttributes(options) },
    ...(digest === undefined ? {} : { expected: expectedOf(digest) }),
    ...(size === undefined ? {} : { size }),
    ...(stores === undefined ? {} : { stores }),
  };
  using watch = watchForSignals();
  const action = await call.client.startImport(request, watch.signal);
  if (options.wait !== true) return printAction(action, call.settings);
  const ended = await waitForEnd(call, action, name, watch.signal);
  const id = ended.image_ref!.slice(ended.image_ref!.lastIndexOf('/') + 1);
  printImage(await call.client.getImage(id), call.settings);
}

function expectedOf(text: string): NonNullable<ImageImportRequest['expected']> {
  const [[algorithm, value] = []] = Object.entries(parseDigests([text]));
  if (algorithm === undefined || value === undefined) throw new UsageError('--digest names no digest');
  return { algorithm, value } as NonNullable<ImageImportRequest['expected']>;
}
