/** `tintype image download`: the data of an image, verified, as a file or on standard output. */
import { once } from 'node:events';
import { type Image, recordedDigests } from '@tintype/client';
import { type Command, Option } from 'commander';
import { imageArgument } from '../attributes.ts';
import { type Call, openCall, showProgress } from '../call.ts';
import { UsageError } from '../command-error.ts';
import { watchForSignals } from '../interruption.ts';
import { createHasher } from '../node-hasher.ts';
import { printFields, printJson, printLine } from '../output.ts';
import { openTarget } from '../target-file.ts';

interface Options {
  output?: string;
  file?: string;
  force?: true;
  verify: boolean;
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
    .action(download);
}

async function download(nameOrId: string, options: Options, command: Command): Promise<void> {
  const call = openCall(command);
  const output = options.output ?? options.file ?? '-';
  if (output === '-' && process.stdout.isTTY) {
    throw new UsageError(
      'standard output is a terminal: name a file with -o, or send the output into a pipe',
    );
  }
  using watch = watchForSignals();
  if (output === '-') {
    const image = await call.client.findImage(nameOrId, watch.signal);
    await receive(call, image, options, standardOutput, watch.signal);
    return;
  }
  const target = await openTarget(output, options.force ?? false);
  let image: Image;
  try {
    image = await call.client.findImage(nameOrId, watch.signal);
    await receive(call, image, options, target, watch.signal);
    await target.commit();
  } finally {
    await target.discard();
  }
  printResult(call, image, target.path, options);
}

async function receive(
  call: Call,
  image: Image,
  options: Options,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> {
  const display = showProgress(call, 'downloading', image.name ?? image.id, image.size);
  try {
    const verify = options.verify ? createHasher : false;
    const data = await call.client.downloadData(image, { verify, onProgress: display.onProgress, signal });
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
