/** Opens an object of a service on the network such that reading goes on over cut connections. */
import type { Readable } from 'node:stream';
import { Failure } from '../base/failure.ts';
import { ResumingReader } from './resuming-reader.ts';
import type { ByteRange } from './store.ts';

export interface OpenedObject {
  readonly body: Readable;
  /** Bytes of the whole object. */
  readonly size: number;
  readonly etag: string | null;
}

/** How the service is asked for an object of the store `storeId`. */
interface Opening {
  readonly storeId: string;
  readonly key: string;
  /** Milliseconds of silence after which a connection is given up. */
  readonly stallMs: number;
  /** Null when there is no such object; with `etag` fails with store_unavailable when it is another one now. */
  readonly ask: (
    range: ByteRange | null,
    etag: string | null,
    signal?: AbortSignal,
  ) => Promise<OpenedObject | null>;
  /** What a driver makes of the errors of its medium. */
  readonly told: (error: unknown, storeId: string) => unknown;
}

/** Of a reader so slow that the store ends the connection after each chunk, every chunk counts. */
const resumeBytes = 64 * 1024;

/** What `Store.get` promises. */
export async function openReader(opening: Opening, range?: ByteRange): Promise<ResumingReader> {
  const { ask, stallMs } = opening;
  if (range !== undefined && (range.first < 0 || range.first > range.last)) throw outside();
  const opened = await ask(range ?? null, null);
  if (opened === null) throw missing(opening);
  const { body, size, etag } = opened;
  if (range !== undefined && range.last >= size) {
    body.destroy();
    throw outside();
  }
  const end = range === undefined ? size : range.last + 1;
  const again = async (position: number, signal: AbortSignal) => {
    const next = await ask({ first: position, last: end - 1 }, etag, signal);
    if (next === null) throw missing(opening);
    return next.body;
  };
  return new ResumingReader(
    { stallMs, resumes: 5, resumeBytes, delayMs: 200 },
    { body, first: range?.first ?? 0, end, again, told: (error) => cut(opening, error) },
  );
}

function missing({ storeId, key }: Opening): Failure {
  return new Failure('not_found', `Store ${storeId} has no object ${key}.`);
}

function outside(): Failure {
  return new Failure('range_not_satisfiable', 'The object does not have all of this range.');
}

function cut({ storeId, told }: Opening, cause: unknown): unknown {
  if (!(cause instanceof Failure)) return told(cause, storeId);
  if (cause.code !== 'not_found') return cause;
  return new Failure('store_unavailable', `Store ${storeId} lost an object while it was read.`, { cause });
}
