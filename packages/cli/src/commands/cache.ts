/** `tintype cache list|nodes|add|remove|clear|prune`: the cache of the node that answers. */
import { ImageApiError, type ImageClient } from '@tintype/client';
import { type Command, Option } from 'commander';
import { formatBytes } from '../amounts.ts';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { plainText } from '../plain-text.ts';
import type { Settings } from '../settings.ts';

export function addCache(parent: Command): void {
  const cache = parent
    .command('cache')
    .helpCommand(false)
    .description('look after the copies that the node keeps which answers (administrators)');
  cache.command('list').description('list images in the cache, and those queued for it').action(list);
  cache
    .command('nodes')
    .description('list the nodes whose caches have an image')
    .addArgument(imageArgument())
    .action(nodes);
  cache
    .command('add')
    .description('have images put into the cache')
    .addArgument(imageArgument('<image...>'))
    .action(add);
  cache
    .command('remove')
    .description('remove images from the cache and its queue')
    .addArgument(imageArgument('<image...>'))
    .action(remove);
  cache
    .command('clear')
    .description('empty the cache and its queue')
    .addOption(new Option('--only <part>', 'empty only one of them').choices(['cache', 'queue']))
    .action(clear);
  cache
    .command('prune')
    .description('remove what is damaged, and what is more than the cache may have')
    .action(prune);
}

async function list(_: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const state = await client.cache.list();
  if (settings.json) return printJson(state);
  const { cached_images: cached, queued_images: queued } = state;
  if (settings.quiet) {
    for (const { image_id: id } of cached) printLine(id);
    return;
  }
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  const rows = cached.map(({ image_id: id, size, hits, last_accessed: read }) => [
    ...[id, 'cached', formatBytes(size)],
    ...[String(hits), time(read)],
  ]);
  printTable(
    ['ID', 'STATE', 'SIZE', 'HITS', 'LAST READ'],
    [...rows, ...queued.map((id) => [id, 'queued', '', '', ''])],
  );
}

async function nodes(name: string, _: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const { id } = await client.findImage(name);
  const urls = await client.cache.nodesOf(id);
  if (settings.json) return printJson(urls);
  for (const url of urls) printLine(plainText(url));
}

async function add(names: string[], _: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const queued: string[] = [];
  for (const name of names) {
    const { id } = await client.findImage(name);
    await client.cache.add(id);
    queued.push(id);
    tell(settings, id, `queued ${id}`);
  }
  if (settings.json) printJson({ queued });
}

async function remove(names: string[], _: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const removed: string[] = [];
  for (const name of names) {
    const id = await idOf(client, name);
    await client.cache.remove(id);
    removed.push(id);
    tell(settings, id, `removed ${id}`);
  }
  if (settings.json) printJson({ removed });
}

/** The image may be gone, and its copy still be there. */
async function idOf(client: ImageClient, name: string): Promise<string> {
  try {
    return (await client.findImage(name)).id;
  } catch (error) {
    if (error instanceof ImageApiError && error.status === 404) return name;
    throw error;
  }
}

async function clear({ only }: { only?: 'cache' | 'queue' }, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  await client.cache.clear(only);
  if (settings.json) return printJson({ cleared: only === undefined ? ['cache', 'queue'] : [only] });
  if (!settings.quiet) printLine(only === 'queue' ? 'the queue is empty' : 'the cache is empty');
}

async function prune(_: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  await client.cache.clean();
  const pruned = await client.cache.prune();
  if (settings.json) return printJson(pruned);
  const { total_files_pruned: files, total_bytes_pruned: bytes } = pruned;
  if (!settings.quiet) printLine(`removed ${files} images of ${formatBytes(bytes)} together`);
}

function tell({ json, quiet }: Settings, id: string, text: string): void {
  if (!json) printLine(quiet ? id : text);
}
