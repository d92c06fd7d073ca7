/** `tintype events`: what has happened to images, and with --follow what happens. */
import type { ImageEvent } from '@tintype/client';
import type { Command } from 'commander';
import { collect, wholeNumber } from '../attributes.ts';
import { openCall } from '../call.ts';
import { watchForSignals } from '../interruption.ts';
import { printLine } from '../output.ts';
import { plainText } from '../plain-text.ts';

interface Options {
  follow?: true;
  after?: number;
  type?: string[];
  image?: string;
  allProjects?: true;
}

export function addEvents(parent: Command): void {
  parent
    .command('events')
    .description('show what has happened to images, oldest first; with --json one event a line')
    .option('-f, --follow', 'go on with what happens; without --after only that')
    .option('--after <position>', 'only what happened after this event', wholeNumber)
    .option('--type <type>', 'only these, such as image.update or task (repeatable)', collect)
    .option('--image <image>', 'only events of this image: its name or id')
    .option('--all-projects', 'events of all projects, for administrators')
    .action(show);
}

async function show(options: Options, command: Command): Promise<void> {
  const { client, settings, note } = openCall(command);
  using watch = watchForSignals();
  const { signal } = watch;
  const image = options.image === undefined ? null : await client.findImage(options.image, signal);
  const events = client.watchEvents({
    after: options.after,
    follow: options.follow === true,
    types: options.type,
    imageId: image?.id,
    allProjects: options.allProjects,
    signal,
  });
  for await (const event of events) {
    if (settings.json) printLine(JSON.stringify(event));
    else if (event.type === 'missed') note('some events are no longer kept: look at the images themselves');
    else if ('id' in event) printLine(settings.quiet ? event.id : lineOf(event));
  }
}

function lineOf(event: Extract<ImageEvent, { id: string }>): string {
  const { name, status, message } = event.payload as Record<string, unknown>;
  const said = [name, status, message].filter((one) => typeof one === 'string' && one !== '');
  const words = [event.position, event.time, event.type, event.image_id ?? '-', ...said];
  return plainText(words.join('  '));
}
