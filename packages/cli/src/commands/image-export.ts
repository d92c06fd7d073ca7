/** `tintype image export`: the server sends the data of an image to a URL. */
import type { ImageExportRequest } from '@tintype/client';
import { type Command, Option } from 'commander';
import { waitForEnd } from '../action-end.ts';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { watchForSignals } from '../interruption.ts';
import { printAction } from '../print-action.ts';

interface Options {
  diskFormat?: string;
  wait?: true;
}

export function addImageExport(parent: Command): void {
  parent
    .command('export')
    .description('have the server send the data of an image to a URL')
    .addArgument(imageArgument())
    .argument('<url>', 'http or https URL that takes it with one PUT')
    .addOption(new Option('--disk-format <format>', 'convert it').choices(['raw', 'qcow2', 'vmdk', 'vhd']))
    .option('--wait', 'wait for the end, and show what was sent')
    .action(start);
}

async function start(nameOrId: string, location: string, options: Options, command: Command): Promise<void> {
  const call = openCall(command);
  using watch = watchForSignals();
  const image = await call.client.findImage(nameOrId, watch.signal);
  const request: ImageExportRequest = {
    image_ref: `/v2/images/${image.id}`,
    location,
    ...(options.diskFormat === undefined ? {} : { disk_format: options.diskFormat }),
  };
  const action = await call.client.startExport(request, watch.signal);
  if (options.wait !== true) return printAction(action, call.settings);
  printAction(await waitForEnd(call, action, image.name ?? image.id, watch.signal), call.settings);
}
