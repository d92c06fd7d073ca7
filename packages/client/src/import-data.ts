/** Data that the server fetches or places by itself: imports, and locations that have it already. */
import type { ImportRequest, LocationRecord } from '@tintype/contract';
import type { Connection } from './connection.ts';
import { segment } from './endpoint.ts';

/** Method and stores of an import, in the words of the API. */
export type ImportOrder = ImportRequest;
/** What the data is known to be, in hex. */
export interface ValidationData {
  readonly os_hash_algo: 'md5' | 'sha1' | 'sha256' | 'sha512';
  readonly os_hash_value: string;
}
/** Where the data of an image is; `store` in the metadata is the id of the store. */
export type ImageLocation = LocationRecord;

const json = { 'Content-Type': 'application/json' };

export async function importMethods(connection: Connection, signal?: AbortSignal): Promise<string[]> {
  const document = await connection.json<{ 'import-methods'?: { value?: string[] } }>({
    method: 'GET',
    path: '/v2/info/import',
    signal,
  });
  return document['import-methods']?.value ?? [];
}

export async function importImage(
  connection: Connection,
  id: string,
  order: ImportOrder,
  signal?: AbortSignal,
): Promise<void> {
  const path = `/v2/images/${segment(id)}/import`;
  const answer = await connection.send({
    method: 'POST',
    path,
    headers: json,
    body: JSON.stringify(order),
    signal,
  });
  await answer.body?.cancel();
}

export async function addLocation(
  connection: Connection,
  id: string,
  url: string,
  validation: ValidationData | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const path = `/v2/images/${segment(id)}/locations`;
  const body = JSON.stringify({ url, ...(validation === undefined ? {} : { validation_data: validation }) });
  const answer = await connection.send({ method: 'POST', path, headers: json, body, signal });
  await answer.body?.cancel();
}

export async function listLocations(
  connection: Connection,
  id: string,
  signal?: AbortSignal,
): Promise<ImageLocation[]> {
  const path = `/v2/images/${segment(id)}/locations`;
  return await connection.json<ImageLocation[]>({ method: 'GET', path, signal });
}
