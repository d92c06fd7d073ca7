/** `tintype image upload`: data for an image that has none. */
import type { Image } from '@tintype/client';
import type { Command } from 'commander';
import { collect, imageArgument } from '../attributes.ts';
import { type Call, openCall } from '../call.ts';
import { CommandError } from '../command-error.ts';
import { guessDiskFormat } from '../disk-format.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ImageSource, openSource } from '../image-source.ts';
import { watchForSignals } from '../interruption.ts';
import { leftImage } from '../left-image.ts';
import { printImage } from '../print-image.ts';
import { parseDigests, sendData } from '../send-data.ts';

interface Options {
  store?: string;
  digest?: string[];
}

export function addImageUpload(parent: Command): void {
  parent
    .command('upload')
    .description('upload the data of an image that has none yet')
    .addArgument(imageArgument())
    .argument('<file>', 'data to upload; - is standard input')
    .option('--store <id>', 'store to put the data in')
    .option('--digest <algorithm=hex>', 'have the server refuse other data (repeatable)', collect)
    .action(upload);
}

async function upload(nameOrId: string, file: string, options: Options, command: Command): Promise<void> {
  const call = openCall(command);
  const expectedDigests = parseDigests(options.digest ?? []);
  using watch = watchForSignals();
  await using source = await openSource(file, watch.signal);
  const image = await call.client.findImage(nameOrId, watch.signal);
  if (image.status !== 'queued') {
    const message = `image ${image.id} is ${image.status}: only a queued image takes data`;
    throw new CommandError(message, { code: 'status_conflict', exitCode: exitCodes.conflict });
  }
  await setFormats(call, image, source, watch.signal);
  const sending = { store: options.store, expectedDigests, signal: watch.signal };
  try {
    printImage(await sendData(call, image, source, sending), call.settings);
  } catch (thrown) {
    throw await leftImage(call, image.id, thrown);
  }
}

/** An image takes data only when its formats are known. */
async function setFormats(call: Call, image: Image, source: ImageSource, signal: AbortSignal): Promise<void> {
  const changes: { disk_format?: string; container_format?: string } = {};
  if (image.disk_format === null) {
    const { diskFormat, reason } = guessDiskFormat(source.head, source.tail, source.name);
    call.note(`disk format: ${diskFormat}, ${reason}`);
    changes.disk_format = diskFormat;
  }
  if (image.container_format === null) changes.container_format = 'bare';
  if (Object.keys(changes).length > 0) await call.client.updateImage(image.id, changes, { signal });
}
