/** The catalogue of namespaces as operators load it, take it out again and write it down: past all rules of policy. */
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';
import { define } from './define.ts';
import type { NewDefinition } from './definition.ts';
import { definitionsOf, deleteDefinitions } from './definition-records.ts';
import { type FullNamespace, withDefinitions } from './full-namespace.ts';
import { requireRoomForNamespace } from './limits.ts';
import {
  deleteNamespaces,
  insertNamespace,
  type NamespaceDraft,
  selectAllNamespaces,
  selectNamespace,
  updateNamespace,
} from './namespace-records.ts';
import { namespaceExists } from './refusals.ts';
import { deleteResourceTypes } from './resource-type-records.ts';

/** A namespace as a file of the catalogue has it. */
export interface CatalogueEntry {
  readonly draft: NamespaceDraft;
  readonly definitions: readonly NewDefinition[];
}

/** `merge` keeps what is there and adds what is missing; `replace` makes a namespace what the entry says. */
export type LoadMode = 'merge' | 'replace';

export interface LoadedNamespace {
  readonly namespace: string;
  readonly outcome: 'added' | 'replaced' | 'merged' | 'unchanged';
  /** How many definitions were written. */
  readonly definitions: number;
}

/** Glance: whose the namespaces of the catalogue are when they do not say. */
const catalogueOwner = 'admin';

async function loadOne(queries: Queries, entry: CatalogueEntry, mode: LoadMode): Promise<LoadedNamespace> {
  const draft = { ...entry.draft, owner: entry.draft.owner ?? catalogueOwner };
  const { namespace: name } = draft;
  const there = await selectNamespace(queries, name, true);
  if (there === undefined) {
    await requireRoomForNamespace(queries, draft.owner);
    const added = await insertNamespace(queries, draft);
    if (added === undefined) throw namespaceExists(name);
    const written = await define(queries, added, entry.definitions);
    return { namespace: name, outcome: 'added', definitions: written.length };
  }
  if (mode === 'replace') {
    await updateNamespace(queries, there.id, draft);
    await deleteDefinitions(queries, there);
    const written = await define(queries, there, entry.definitions);
    return { namespace: name, outcome: 'replaced', definitions: written.length };
  }
  const known = new Set((await definitionsOf(queries, [there.id])).map((one) => `${one.kind} ${one.name}`));
  const missing = entry.definitions.filter((one) => !known.has(`${one.kind} ${one.name}`));
  const written = await define(queries, there, missing);
  return {
    namespace: name,
    outcome: written.length > 0 ? 'merged' : 'unchanged',
    definitions: written.length,
  };
}

/** All entries or none. Fails with definition_exists, quota_metadefs, or namespace_exists when others write too. */
export async function loadCatalogue(
  database: Database,
  entries: readonly CatalogueEntry[],
  mode: LoadMode,
): Promise<LoadedNamespace[]> {
  return await database.transaction(async (queries) => {
    const loaded: LoadedNamespace[] = [];
    for (const entry of entries) loaded.push(await loadOne(queries, entry, mode));
    return loaded;
  });
}

/** Removes every namespace, protected or not, and every resource type. How many there were. */
export async function unloadCatalogue(
  database: Database,
): Promise<{ namespaces: number; resourceTypes: number }> {
  return await database.transaction(async (queries) => ({
    namespaces: await deleteNamespaces(queries),
    resourceTypes: await deleteResourceTypes(queries),
  }));
}

/** Every namespace with all it defines, by name. */
export async function readCatalogue(database: Database): Promise<FullNamespace[]> {
  return await withDefinitions(database.db, await selectAllNamespaces(database.db));
}
