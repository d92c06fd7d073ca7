/** `tintype metadef load|unload|export`: the server's catalogue of metadata definitions, as files. */
import type { Command } from 'commander';
import { printJson, printLine, printTable } from '../output.ts';
import { addServerOptions, loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

export function addMetadef(parent: Command): void {
  const metadef = parent
    .command('metadef')
    .helpCommand(false)
    .description("look after the server's catalogue of metadata definitions");
  addServerOptions(
    metadef
      .command('load')
      .description('load namespaces from JSON files: add what is missing, keep what is there')
      .argument('<path>', 'a file, or a folder with *.json files'),
  )
    .option('--replace', 'make the namespaces what the files say')
    .action(load);
  addServerOptions(
    metadef.command('unload').description('remove all namespaces, protected or not, and all resource types'),
  ).action(unload);
  addServerOptions(
    metadef
      .command('export')
      .description('write every namespace to a JSON file')
      .argument('<folder>', 'where to; files of the same name are overwritten'),
  ).action(exportAll);
}

async function load(path: string, options: { replace?: true }, command: Command): Promise<void> {
  const { loadMetadefs } = await loadServer();
  const mode = options.replace === true ? 'replace' : 'merge';
  const loaded = await loadMetadefs(serverOptions(command), { path, mode });
  const { json, quiet } = readSettings(command);
  if (json) return printJson(loaded);
  if (quiet) return;
  const rows = loaded.map((one) => [one.namespace, one.outcome, String(one.definitions), one.file]);
  printTable(['NAMESPACE', 'OUTCOME', 'DEFINITIONS', 'FILE'], rows);
}

async function unload(_: object, command: Command): Promise<void> {
  const { unloadMetadefs } = await loadServer();
  const removed = await unloadMetadefs(serverOptions(command));
  const { json, quiet } = readSettings(command);
  if (json) printJson(removed);
  else if (!quiet)
    printLine(`removed ${removed.namespaces} namespaces and ${removed.resourceTypes} resource types`);
}

async function exportAll(folder: string, _: object, command: Command): Promise<void> {
  const { exportMetadefs } = await loadServer();
  const written = await exportMetadefs(serverOptions(command), folder);
  const { json, quiet } = readSettings(command);
  if (json) return printJson(written);
  if (quiet) return;
  printTable(
    ['NAMESPACE', 'FILE'],
    written.map(({ namespace, file }) => [namespace, file]),
  );
}
