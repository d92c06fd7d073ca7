/** Changes an image: operations of a JSON patch, or simply the attributes and their new values. */
import type { Connection } from './connection.ts';
import { segment } from './endpoint.ts';
import { type Image, type ImageAttributes, isBaseAttribute } from './image.ts';

export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** New values by attribute; null clears a base attribute and removes a custom property. */
export type ImageChanges = Omit<ImageAttributes, 'id'>;

export interface UpdateOptions {
  /** Change nothing (`precondition_failed`) unless the image still has this ETag. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export async function updateImage(
  connection: Connection,
  id: string,
  changes: readonly PatchOperation[] | ImageChanges,
  options: UpdateOptions = {},
): Promise<Image> {
  const operations = isOperations(changes) ? changes : patchOperations(changes);
  return await connection.json<Image>({
    method: 'PATCH',
    path: `/v2/images/${segment(id)}`,
    headers: {
      'Content-Type': 'application/openstack-images-v2.1-json-patch',
      ...(options.ifMatch === undefined ? {} : { 'If-Match': options.ifMatch }),
    },
    body: JSON.stringify(operations),
    signal: options.signal,
  });
}

function isOperations(
  changes: readonly PatchOperation[] | ImageChanges,
): changes is readonly PatchOperation[] {
  return Array.isArray(changes);
}

/** `add` sets a custom property whether or not it is there already. */
function patchOperations(changes: ImageChanges): PatchOperation[] {
  return Object.entries(changes).flatMap(([name, value]): PatchOperation[] => {
    const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (value === undefined) return [];
    if (isBaseAttribute(name)) return [{ op: 'replace', path, value }];
    return [value === null ? { op: 'remove', path } : { op: 'add', path, value }];
  });
}
