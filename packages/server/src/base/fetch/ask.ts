/** One GET, POST or PUT over one connection of its own. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Client, errors } from 'undici';
import { Failure } from '../failure.ts';
import { type ConnectParts, connect } from './connect.ts';
import { nonsense, stalled, unreachable } from './failures.ts';
import { within } from './within.ts';

/** Where to ask, and with what: credentials belong to this origin alone. */
export interface Target {
  /** Without credentials. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

export interface AskParts extends ConnectParts {
  /** Milliseconds from the request to the end of the answer's headers. */
  readonly answerMs: number;
}

export interface Answer {
  readonly target: Target;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As they were sent: nothing is decompressed. Fails when the connection ends early or `close` was called. */
  readonly body: Readable;
  /** Ends the connection, read or not; so does an abort. To be called once, at the latest after the body's end. */
  close(): void;
}

/** What a request carries. */
export type Sent =
  | { readonly method: 'POST'; readonly body: string }
  | {
      readonly method: 'PUT';
      /** A chunk must stay as it is until it has been written, and is so once `whole` has resolved. */
      readonly body: AsyncIterable<Uint8Array>;
      /** Resolves when all has been handed over: the answer is waited for from then on. */
      readonly whole: Promise<void>;
    };

/**
 * Fails with what `connect` fails with, source_stalled when no answer comes, source_unreachable when the connection
 * ends without one, source_unavailable when it is not HTTP, or the reason of `signal`.
 */
export async function ask(
  parts: AskParts,
  target: Target,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  sent?: Sent,
): Promise<Answer> {
  const { url } = target;
  const socket = await connect(parts, url, signal);
  const client = clientOn(socket, url);
  const close = () => {
    signal.removeEventListener('abort', close);
    client.destroy().catch(ignore);
    socket.destroy();
  };
  signal.addEventListener('abort', close);
  const all = {
    'User-Agent': 'tintype',
    Accept: '*/*',
    'Accept-Encoding': 'identity',
    ...target.headers,
    ...headers,
  };
  try {
    const asked = client.request({
      method: sent?.method ?? 'GET',
      // It takes whatever can be iterated, which its types do not say.
      body: sent?.body as string | Readable | undefined,
      path: `${url.pathname}${url.search}`,
      headers: all,
      reset: true,
    });
    if (sent?.method === 'PUT') await Promise.race([asked, sent.whole]);
    const late = () => stalled(url, 'it did not answer', parts.answerMs);
    const answer = await within(asked, parts.answerMs, signal, late);
    answer.body.on('error', ignore);
    return { target, status: answer.statusCode, headers: answer.headers, body: answer.body, close };
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw toldOf(error, url);
  }
}

/** One request is all that it can do: there is no second connection. */
export function clientOn(socket: Socket, url: URL): Client {
  let isTaken = false;
  return new Client(url.origin, {
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, callback) => {
      if (isTaken) return callback(new Error('the connection was closed'), null);
      isTaken = true;
      // It would overlook an answer given before this function ends.
      queueMicrotask(() => callback(null, socket));
    },
  });
}

export function toldOf(error: unknown, url: URL): unknown {
  if (error instanceof Failure) return error;
  const isEnded = !(error instanceof errors.UndiciError) || error instanceof errors.SocketError;
  const isBroken = error instanceof errors.HTTPParserError || !isEnded;
  return isBroken ? nonsense(url, 'its answer is not proper HTTP', error) : unreachable(url, error);
}

function ignore(): void {}
