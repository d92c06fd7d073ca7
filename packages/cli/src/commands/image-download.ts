/** `tintype image download`: the data of an image, verified, as a file or on standard output. */
import { once } from 'node:events';
import { type CreateHasher, type Image, NearestImages, recordedDigests } from '@tintype/client';
import { type Command, Option } from 'commander';
import { imageArgument } from '../attributes.ts';
import { type Call, openCall, showProgress } from '../call.ts';
import { UsageError } from '../command-error.ts';
import { watchForSignals } from '../interruption.ts';
import { createHasher } from '../node-hasher.ts';
import { printFields, printJson, printLine } from '../output.ts';
import { connectionTo } from '../settings.ts';
import { openTarget } from '../target-file.ts';

interface Options {
  output?: string;
  file?: string;
  force?: true;
  verify: boolean;
  redirect?: true;
  /** Endpoints with the same images. */
  also?: string[];
  diskFormat?: string;
}

interface Sink {
  write(chunk: Uint8Array): Promise<void>;
}

export function addImageDownload(parent: Command): void {
  parent
    .command('download')
    .description('download the data of an image and verify it')
    .addArgument(imageArgument())
    .option(
      '-o, --output <file>',
      'file to write; - is standard output, the default when that is no terminal',
    )
    .addOption(new Option('--file <file>', 'the same as --output').conflicts('output').hideHelp())
    .option('--force', 'replace a file that is there already')
    .option('--no-verify', 'check the size only, not the digest')
    .option('--disk-format <format>', 'the data in this format, where there is a copy in it')
    .option('--redirect', 'take the data from the store itself, where the server allows it')
    .addOption(
      new Option('--also <endpoint>', 'read on from there where the server fails; may be given several times')
        .argParser((endpoint: string, before: string[] | undefined) => [...(before ?? []), endpoint])
        .conflicts('redirect'),
    )
    .action(download);
}

async function download(nameOrId: string, options: Options, command: Command): Promise<void> {
  const call = openCall(command);
  const nearest = nearestOf(command, options);
  const output = options.output ?? options.file ?? '-';
  if (output === '-' && process.stdout.isTTY) {
    throw new UsageError(
      'standard output is a terminal: name a file with -o, or send the output into a pipe',
    );
  }
  using watch = watchForSignals();
  if (output === '-') {
    const image = await find(call, nameOrId, options, watch.signal);
    await receive(call, nearest, image, options, standardOutput, watch.signal);
    return;
  }
  const target = await openTarget(output, options.force ?? false);
  let image: Image;
  try {
    image = await find(call, nameOrId, options, watch.signal);
    await receive(call, nearest, image, options, target, watch.signal);
    await target.commit();
  } finally {
    await target.discard();
  }
  printResult(call, image, target.path, options);
}

/** Null: there is one place to read from. */
function nearestOf(command: Command, { also = [] }: Options): NearestImages | null {
  if (also.length === 0) return null;
  return new NearestImages([undefined, ...also].map((endpoint) => connectionTo(command, endpoint)));
}

async function find(
  { client }: Call,
  nameOrId: string,
  { diskFormat }: Options,
  signal: AbortSignal,
): Promise<Image> {
  const image = await client.findImage(nameOrId, signal);
  return diskFormat === undefined ? image : await client.imageAs(image, diskFormat, signal);
}

async function receive(
  call: Call,
  nearest: NearestImages | null,
  image: Image,
  options: Options,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const display = showProgress(call, 'downloading', image.name ?? image.id, image.size);
  try {
    const verify: CreateHasher | false = options.verify ? createHasher : false;
    const { onProgress } = display;
    const { redirect = false, diskFormat } = options;
    const how = { verify, diskFormat, onProgress, signal };
    const data =
      nearest === null
        ? await call.client.downloadData(image, { ...how, redirect })
        : await nearest.downloadData(image, how);
    for await (const chunk of data) {
      await sink.write(chunk);
      signal.throwIfAborted();
    }
    display.done();
  } catch (thrown) {
    display.stop();
    throw thrown;
  }
}

const standardOutput: Sink = {
  async write(chunk) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  },
};

function printResult({ settings }: Call, image: Image, file: string, { verify }: Options): void {
  const checked = verify
    ? recordedDigests(image).find(([algorithm]) => createHasher(algorithm) !== null)
    : null;
  const [algorithm, digest] = checked ?? [null, null];
  if (settings.json) {
    printJson({ file, id: image.id, size: image.size, verified: verify, algorithm, digest });
  } else if (settings.quiet) {
    printLine(image.id);
  } else {
    const verified = checked === null ? 'the size only' : (checked?.join(' ') ?? 'md5');
    printFields([
      ['file', file],
      ['size', String(image.size ?? '')],
      ['verified', verified],
    ]);
  }
}
