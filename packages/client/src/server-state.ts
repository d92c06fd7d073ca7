/** What a server says of itself: the versions it speaks and whether it is well. */
import type { VersionsDocument } from '@tintype/contract';
import type { Connection } from './connection.ts';
import { ImageApiError, ProtocolError } from './errors.ts';

export type ApiVersion = VersionsDocument['versions'][number];

export interface Health {
  readonly ok: boolean;
  /** HTTP status. */
  readonly status: number;
  /** What the server wrote, one line. */
  readonly detail: string;
}

/** Newest first. */
export async function versions(connection: Connection, signal?: AbortSignal): Promise<ApiVersion[]> {
  const ask = (path: string) =>
    connection.json<VersionsDocument>({ method: 'GET', path, signal, open: true, accept: [300] });
  const document = await ask('/versions').catch((thrown: unknown) => {
    if (thrown instanceof ImageApiError && thrown.status === 404) return ask('/');
    throw thrown;
  });
  if (!Array.isArray(document.versions)) {
    throw new ProtocolError(`${connection.endpoint} answered no list of versions: is it an Image API?`);
  }
  return document.versions;
}

/** null when the server has no such page. Throws only when nothing answers. */
export async function health(
  connection: Connection,
  path: '/healthcheck' | '/readyz',
  signal?: AbortSignal,
): Promise<Health | null> {
  const answer = await connection.send({
    method: 'GET',
    path,
    signal,
    open: true,
    headers: { Accept: 'application/json, text/plain' },
    accept: [300, 404, 500, 503],
  });
  const text = await connection.text(answer, signal, 4096);
  if (answer.status === 404 || answer.status === 300) return null;
  return { ok: answer.status === 200, status: answer.status, detail: text.replace(/\s+/g, ' ').trim() };
}
