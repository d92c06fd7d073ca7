/** Work that goes on after the request for it: imports that bring an image about, exports, clones in other regions, and all such work in one list. */
import type {
  ActionRecord,
  ActionStatus,
  ActionType,
  ImageCloneRequest,
  ImageExportRequest,
  ImageImportRequest,
} from '@tintype/contract';
import type { Connection } from './connection.ts';
import { segment } from './endpoint.ts';
import { ProtocolError } from './errors.ts';
import { nextQuery } from './list-images.ts';

export type { ActionStatus, ActionType, ImageCloneRequest, ImageExportRequest, ImageImportRequest };

/** How far it is, or how it ended. */
export type ImageAction = ActionRecord;

export interface ActionQuery {
  readonly action_type?: ActionType;
  readonly status?: ActionStatus;
  /** Records a page. */
  readonly limit?: number;
  /** Id of the last one of the page before. */
  readonly marker?: string;
}

export interface WaitOptions {
  /** Called for every look at it. */
  readonly onProgress?: (action: ImageAction) => void;
  /** Milliseconds between two looks at most; it begins with a tenth of it. 2000 unless given. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

export async function startImport(
  connection: Connection,
  request: ImageImportRequest,
  signal?: AbortSignal,
): Promise<ImageAction> {
  return await start(connection, '/v2/image-imports', request, signal);
}

export async function startExport(
  connection: Connection,
  request: ImageExportRequest,
  signal?: AbortSignal,
): Promise<ImageAction> {
  return await start(connection, '/v2/image-exports', request, signal);
}

async function start(
  connection: Connection,
  path: string,
  request: object,
  signal?: AbortSignal,
): Promise<ImageAction> {
  return await connection.json<ImageAction>({
    method: 'POST',
    path,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  });
}

export async function startClone(
  connection: Connection,
  request: ImageCloneRequest,
  signal?: AbortSignal,
): Promise<ImageAction> {
  return await connection.json<ImageAction>({
    method: 'POST',
    path: '/v2/image-clones',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  });
}

export async function getAction(
  connection: Connection,
  id: string,
  signal?: AbortSignal,
): Promise<ImageAction> {
  return await connection.json<ImageAction>({
    method: 'GET',
    path: `/v2/image-actions/${segment(id)}`,
    signal,
  });
}

/** Newest first. A page is requested when the records of the one before it have been taken. */
export async function* listActions(
  connection: Connection,
  query: ActionQuery,
  signal?: AbortSignal,
): AsyncGenerator<ImageAction, void, undefined> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  let text = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  for (;;) {
    const path = `/v2/image-actions${text === '' ? '' : `?${text}`}`;
    const page = await connection.json<{ image_actions?: ImageAction[]; next?: string }>({
      method: 'GET',
      path,
      signal,
    });
    if (!Array.isArray(page.image_actions))
      throw new ProtocolError(`${connection.endpoint} answered a list without actions`);
    yield* page.image_actions;
    const next = nextQuery(page.next);
    if (next === null) return;
    if (next === text)
      throw new ProtocolError(`${connection.endpoint} answers the same page again and again`);
    text = next;
  }
}

/** Retry, cancel or forget: each kind of action has its own resource, which its record names. */
export async function tellAction(
  connection: Connection,
  id: string,
  what: 'retry' | 'cancel' | 'forget',
  signal?: AbortSignal,
): Promise<void> {
  const { self } = await getAction(connection, id, signal);
  if (!/^\/v2\/[\w/-]+$/.test(self))
    throw new ProtocolError(`${connection.endpoint} answered an action without an address`);
  const request =
    what === 'forget'
      ? ({ method: 'DELETE', path: self } as const)
      : ({ method: 'POST', path: `${self}/${what}` } as const);
  const answer = await connection.send({ ...request, signal });
  await answer.body?.cancel();
}

const ends: readonly ActionStatus[] = ['success', 'failure', 'cancelled'];

/** Resolves when it has ended, however that was. */
export async function waitForAction(
  connection: Connection,
  id: string,
  { onProgress, intervalMs = 2000, signal }: WaitOptions = {},
): Promise<ImageAction> {
  for (let wait = intervalMs / 10; ; wait = Math.min(wait * 1.5, intervalMs)) {
    const action = await getAction(connection, id, signal);
    onProgress?.(action);
    if (ends.includes(action.status)) return action;
    await delay(wait, signal);
  }
}

/** Rejects with the reason of `signal`. */
async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
