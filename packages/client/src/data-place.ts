/** A place that has the data of an image: an endpoint of the Image API, or an address of the data itself. */
import type { Answer, Connection } from './connection.ts';
import { bodySize, dataHeaders, dataPath } from './download-data.ts';
import { ConnectionError, ImageApiError, NoDataError, ProtocolError } from './errors.ts';

/** Bytes from `first` to `last`, both included, of `size`. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
  readonly size: number;
}

export interface DataPlace {
  /** What it is known by: how it serves is kept under it. */
  readonly name: string;
  ask(headers: Record<string, string>, signal: AbortSignal): Promise<Answer>;
}

export function endpointPlace(connection: Connection, id: string, diskFormat: string | undefined): DataPlace {
  const path = dataPath(id, diskFormat);
  return {
    name: connection.endpoint,
    async ask(headers, signal) {
      const answer = await connection.send({ method: 'GET', path, headers, signal });
      if (answer.status === 204) throw new NoDataError(id);
      return answer;
    },
  };
}

/** Null: none to ask. What is asked from https goes to https alone. */
export function addressPlace(connection: Connection, address: string): DataPlace | null {
  const url = URL.parse(address);
  const schemes = connection.endpoint.startsWith('https:') ? ['https:'] : ['http:', 'https:'];
  if (url === null || !schemes.includes(url.protocol) || url.username !== '') return null;
  return { name: url.origin, ask: (headers, signal) => connection.take(url, headers, signal) };
}

/** The body that has exactly this stretch. Throws what `ask` throws, or ProtocolError for another answer. */
export async function openPlace(
  place: DataPlace,
  { first, last, size }: Stretch,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const isWhole = first === 0 && last === size - 1;
  const answer = await place.ask(dataHeaders(isWhole ? undefined : { start: first, end: last }), signal);
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers.get('content-range') ?? '');
  const [from, to, total] = range?.slice(1).map(Number) ?? [0, size - 1, bodySize(answer) ?? size];
  const isRight = answer.status === (isWhole ? 200 : 206) && from === first && to === last;
  // NaN: the place does not say.
  if (isRight && (total === size || Number.isNaN(total))) return answer.body ?? new Blob([]).stream();
  await answer.body?.cancel();
  throw new ProtocolError(`${place.name} does not give the data that was asked for`);
}

/** Whether this tells that the place is not well, and not that it has no such data, or not for us. */
export function isTrouble(thrown: unknown): boolean {
  if (thrown instanceof ImageApiError) return thrown.status >= 500 || thrown.status === 429;
  return thrown instanceof ConnectionError || thrown instanceof ProtocolError;
}
