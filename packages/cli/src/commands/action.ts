/** `tintype action list|show|retry|cancel`: work of one's project that outlives the request for it. */
import type { ActionQuery, ImageAction } from '@tintype/client';
import { type Command, Option } from 'commander';
import { wholeNumber } from '../attributes.ts';
import { openCall } from '../call.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { doneOf, printAction, statusOf } from '../print-action.ts';

interface ListOptions {
  type?: ActionQuery['action_type'];
  status?: ActionQuery['status'];
  limit: number;
}

const statuses = [
  'waiting',
  'reading',
  'uploading',
  'verifying',
  'converting',
  'storing',
  'success',
  'failure',
  'cancelled',
];

/** Records a request. */
const pageSize = 200;

export function addAction(parent: Command): void {
  const action = parent
    .command('action')
    .helpCommand(false)
    .description('look after imports, exports and clones, which go on after the request for them');
  action
    .command('list')
    .description('list them, the newest first')
    .addOption(new Option('--type <type>', 'only of this kind').choices(['import', 'export', 'clone']))
    .addOption(new Option('--status <status>', 'only in this status').choices(statuses))
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .action(list);
  action
    .command('show')
    .description('show how far one is, or how it ended')
    .argument('<id>', 'its id')
    .action(show);
  action
    .command('retry')
    .description('let one that failed go on at the step that failed')
    .argument('<id>', 'its id')
    .action(retry);
  action
    .command('cancel')
    .description('end one: what it has done is taken back')
    .argument('<id>', 'its id')
    .action(cancel);
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const query: ActionQuery = {
    action_type: options.type,
    status: options.status,
    limit: Math.min(options.limit, pageSize),
  };
  const actions: ImageAction[] = [];
  if (options.limit > 0) {
    for await (const action of client.listActions(query)) {
      actions.push(action);
      if (actions.length >= options.limit) break;
    }
  }
  if (settings.json) return printJson(actions);
  if (settings.quiet) {
    for (const { id } of actions) printLine(id);
    return;
  }
  const rows = actions.map((one) => [
    one.id,
    one.action_type,
    statusOf(one),
    doneOf(one),
    nameOf(one),
    one.updated_at,
  ]);
  printTable(['ID', 'TYPE', 'STATUS', 'DONE', 'OF', 'UPDATED'], rows);
}

/** The image that it is of, or what that is to become. */
function nameOf({ image_properties: properties = {}, image_ref: path }: ImageAction): string {
  if (path !== undefined) return path.slice(path.lastIndexOf('/') + 1);
  return 'name' in properties ? String(properties.name) : '';
}

async function show(id: string, _: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  printAction(await client.getAction(id), settings);
}

async function retry(id: string, _: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  await client.retryAction(id);
  printAction(await client.getAction(id), settings);
}

async function cancel(id: string, _: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  await client.cancelAction(id);
  printAction(await client.getAction(id), settings);
}
