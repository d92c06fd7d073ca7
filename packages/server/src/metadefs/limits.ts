/** How much metadata definitions may take up, whoever writes them (advisory OSSN-0088). */
import { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import { measure } from './definition-records.ts';
import { countOwned, type Namespace } from './namespace-records.ts';
import { rememberResourceTypes } from './resource-type-records.ts';

export const metadefLimits = {
  namespacesPerOwner: 1000,
  definitionsPerNamespace: 2000,
  /** Shown with every namespace of a list. */
  resourceTypesPerNamespace: 64,
  /** A namespace is read as one document. */
  bytesPerNamespace: 1024 * 1024,
  resourceTypes: 1000,
};

function quota(why: string): Failure {
  return new Failure('quota_metadefs', why);
}

/** Before one more namespace of this owner. Fails with quota_metadefs. */
export async function requireRoomForNamespace(queries: Queries, owner: string | null): Promise<void> {
  const most = metadefLimits.namespacesPerOwner;
  const count = await countOwned(queries, owner);
  if (count >= most) throw quota(`A project may have ${most} namespaces; this one has ${count}.`);
}

/** After definitions were written, in the same transaction. Fails with quota_metadefs. */
export async function requireRoomInNamespace(queries: Queries, namespace: Namespace): Promise<void> {
  const { definitionsPerNamespace, resourceTypesPerNamespace, bytesPerNamespace } = metadefLimits;
  const { count, resourceTypes, bytes } = await measure(queries, namespace);
  if (count > definitionsPerNamespace)
    throw quota(`A namespace may hold ${definitionsPerNamespace} definitions; this makes ${count}.`);
  if (resourceTypes > resourceTypesPerNamespace)
    throw quota(
      `A namespace may have ${resourceTypesPerNamespace} resource types; this makes ${resourceTypes}.`,
    );
  if (bytes > bytesPerNamespace)
    throw quota(`The definitions of a namespace may take ${bytesPerNamespace} bytes; this makes ${bytes}.`);
}

/** Notes resource types that are associated now. Fails with quota_metadefs. */
export async function admitResourceTypes(queries: Queries, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const most = metadefLimits.resourceTypes;
  const count = await rememberResourceTypes(queries, names);
  if (count > most) throw quota(`There may be ${most} resource types; this makes ${count}.`);
}
