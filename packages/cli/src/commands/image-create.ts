/** `tintype image create`: a record, and with --file its data. */
import type { Image, ImageAttributes } from '@tintype/client';
import type { Command } from 'commander';
import { type AttributeOptions, addAttributeOptions, chosenAttributes, collect } from '../attributes.ts';
import { type Call, openCall } from '../call.ts';
import { CommandError, UsageError } from '../command-error.ts';
import { guessDiskFormat } from '../disk-format.ts';
import { reportOf } from '../failure-report.ts';
import { type ImageSource, openSource } from '../image-source.ts';
import { watchForSignals } from '../interruption.ts';
import { leftImage } from '../left-image.ts';
import { printImage } from '../print-image.ts';
import { parseDigests, sendData } from '../send-data.ts';

interface Options extends AttributeOptions {
  id?: string;
  file?: string;
  store?: string;
  digest?: string[];
  keepFailed?: true;
}

export function addImageCreate(parent: Command): void {
  const command = parent
    .command('create')
    .description('create an image, and with --file upload its data')
    .argument('<name>', 'name of the new image')
    .option('--id <uuid>', 'id to give it; an id is never used twice')
    .option('--file <file>', 'data to upload; - is standard input');
  addAttributeOptions(command)
    .option('--store <id>', 'store to put the data in')
    .option('--digest <algorithm=hex>', 'have the server refuse other data (repeatable)', collect)
    .option('--keep-failed', 'keep the image when its upload fails')
    .action(create);
}

async function create(name: string, options: Options, command: Command): Promise<void> {
  const call = openCall(command);
  const { id, tag: tags, file } = options;
  const expectedDigests = parseDigests(options.digest ?? []);
  const attributes: ImageAttributes = { name, id, tags, ...chosenAttributes(options) };
  if (file === undefined) {
    if (options.digest || options.store)
      throw new UsageError('--digest and --store are of no use without --file');
    return printImage(await call.client.createImage(attributes), call.settings);
  }
  using watch = watchForSignals();
  await using source = await openSource(file, watch.signal);
  const complete = { ...formatsOf(call, source, options), ...attributes };
  const image = await call.client.createImage(complete, watch.signal);
  const sending = { store: options.store, expectedDigests, signal: watch.signal };
  try {
    printImage(await sendData(call, image, source, sending), call.settings);
  } catch (thrown) {
    throw await failed(call, image, thrown, options.keepFailed ?? false);
  }
}

function formatsOf(call: Call, source: ImageSource, options: Options): ImageAttributes {
  const container = { container_format: 'bare' };
  if (options.diskFormat !== undefined) return container;
  const { diskFormat, reason } = guessDiskFormat(source.head, source.tail, source.name);
  call.note(`disk format: ${diskFormat}, ${reason}`);
  return { ...container, disk_format: diskFormat };
}

/** The error of the upload, completed by what became of the image. */
async function failed(call: Call, { id }: Image, thrown: unknown, keep: boolean): Promise<Error> {
  const report = await reportOf(thrown);
  if (keep || !(await isDeleted(call, id))) return await leftImage(call, id, thrown);
  return new CommandError(`${report.message}\n  image ${id} was deleted again`, { ...report, cause: thrown });
}

async function isDeleted(call: Call, id: string): Promise<boolean> {
  try {
    await call.client.deleteImage(id);
    return true;
  } catch {
    return false;
  }
}
