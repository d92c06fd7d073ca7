/** What an operator does with the catalogue of metadata definitions: load it from files, unload it, write it to files. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asFailure, Failure } from './base/failure.ts';
import { migrate } from './database/migrate.ts';
import { readMetadefFile, writeMetadefFile } from './http/metadef-file.ts';
import type { ServerOptions } from './main.ts';
import {
  type CatalogueEntry,
  type LoadedNamespace,
  type LoadMode,
  loadCatalogue,
  readCatalogue,
  unloadCatalogue,
} from './metadefs/catalogue.ts';
import { withDatabase } from './operator.ts';

export interface LoadMetadefsInput {
  /** A file, or a folder whose `*.json` are meant. */
  readonly path: string;
  /** `merge` keeps what is there and adds what is missing; `replace` makes a namespace what its file says. */
  readonly mode: LoadMode;
}

export interface LoadedFile extends LoadedNamespace {
  readonly file: string;
}

export interface ExportedFile {
  readonly namespace: string;
  readonly file: string;
}

function cannot(what: string, cause: unknown): Failure {
  const why = cause instanceof Error ? cause.message : String(cause);
  return asFailure(cause, 'bad_request', `${what}: ${why}.`);
}

/** In the order of their names. */
async function filesAt(place: string): Promise<string[]> {
  try {
    if (!(await stat(place)).isDirectory()) return [place];
    const entries = await readdir(place, { withFileTypes: true });
    const names = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.json'));
    return names.map(({ name }) => path.join(place, name)).sort();
  } catch (cause) {
    throw cannot(`${place} cannot be read`, cause);
  }
}

async function readOne(file: string): Promise<CatalogueEntry> {
  try {
    return readMetadefFile(await readFile(file));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('bad_request', `${file} cannot be loaded: ${why}`, { cause });
  }
}

/** Two files for one namespace leave open which counts. */
function refuseTwins(files: readonly string[], entries: readonly CatalogueEntry[]): void {
  const seen = new Map<string, string>();
  entries.forEach(({ draft: { namespace } }, index) => {
    const before = seen.get(namespace);
    if (before !== undefined)
      throw new Failure('bad_request', `${before} and ${files[index]} both define namespace ${namespace}.`);
    seen.set(namespace, files[index]!);
  });
}

/** Loads all files or none. Fails with bad_request when one cannot be used, with quota_metadefs when it is too much. */
export async function loadMetadefs(
  options: ServerOptions,
  { path: place, mode }: LoadMetadefsInput,
): Promise<LoadedFile[]> {
  const files = await filesAt(place);
  if (files.length === 0) throw new Failure('bad_request', `${place} holds no .json files.`);
  const entries = await Promise.all(files.map(readOne));
  refuseTwins(files, entries);
  const loaded = await withDatabase(options, async (database, log) => {
    await migrate(database, { log });
    return await loadCatalogue(database, entries, mode);
  });
  return loaded.map((one, index) => ({ ...one, file: files[index]! }));
}

/** Removes every namespace, protected or not, and every resource type. */
export async function unloadMetadefs(
  options: ServerOptions,
): Promise<{ namespaces: number; resourceTypes: number }> {
  return await withDatabase(options, async (database, log) => {
    await migrate(database, { log });
    return await unloadCatalogue(database);
  });
}

/** Letters and digits of the name, with a number where that is not enough to tell it from the others. */
function fileNames(namespaces: readonly string[]): string[] {
  const taken = new Set<string>();
  return namespaces.map((namespace) => {
    const plain =
      namespace
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '') || 'namespace';
    let name = plain;
    for (let number = 2; taken.has(name); number += 1) name = `${plain}-${number}`;
    taken.add(name);
    return `${name}.json`;
  });
}

/** Writes one file a namespace into `directory`, over files that have its name. Fails with bad_request. */
export async function exportMetadefs(options: ServerOptions, directory: string): Promise<ExportedFile[]> {
  const catalogue = await withDatabase(options, async (database, log) => {
    await migrate(database, { log });
    return await readCatalogue(database);
  });
  const names = fileNames(catalogue.map(({ namespace }) => namespace.namespace));
  const files = names.map((name) => path.join(directory, name));
  try {
    await mkdir(directory, { recursive: true });
    for (const [index, full] of catalogue.entries()) await writeFile(files[index]!, writeMetadefFile(full));
  } catch (cause) {
    throw cannot(`${directory} cannot be written`, cause);
  }
  return catalogue.map(({ namespace }, index) => ({ namespace: namespace.namespace, file: files[index]! }));
}
