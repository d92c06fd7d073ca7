/** One request, over one connection of its own, to a service that is told something and answers with a short document. */
import { Readable } from 'node:stream';
import { Failure } from '../failure.ts';
import { clientOn, type Target, toldOf } from './ask.ts';
import { type ConnectParts, connect } from './connect.ts';
import { nonsense, stalled } from './failures.ts';
import { pauseAskedFor } from './retry-after.ts';
import { within } from './within.ts';

export interface Message {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** What is streamed is pulled as the service takes it; a chunk must stay as it is after the next was asked for. */
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds to the end of the answer; null: as long as the signal leaves it. */
  readonly answerMs: number | null;
  readonly signal: AbortSignal;
}

export interface Exchanged {
  readonly status: number;
  readonly text: string;
  /** Milliseconds for which the service asks not to be asked again. */
  readonly pauseMs: number;
}

/** Bytes of an answer. */
const largest = 1024 * 1024;
/** Milliseconds: longer than any timer is nothing that anybody waits for. */
const forEver = 2 ** 31 - 1;

/**
 * No redirect is followed, and any status is an answer. Fails with what `connect` fails with, source_stalled when no answer comes,
 * source_unreachable when the connection ends without one, source_unavailable when it makes no sense, what the body failed with, or the
 * reason of the signal.
 */
export async function exchange(parts: ConnectParts, target: Target, message: Message): Promise<Exchanged> {
  const { url } = target;
  const { answerMs, signal } = message;
  const socket = await connect(parts, url, signal);
  const client = clientOn(socket, url);
  const body = new Watched(message.body);
  try {
    const asked = talk(client, target, message, body);
    const late = () => stalled(url, 'it did not answer', answerMs ?? forEver);
    return await within(asked, answerMs ?? forEver, signal, late);
  } catch (error) {
    signal.throwIfAborted();
    throw body.trouble ?? toldOf(error, url);
  } finally {
    client.destroy().catch(() => {});
    socket.destroy();
  }
}

async function talk(
  client: ReturnType<typeof clientOn>,
  { url, headers }: Target,
  { method, headers: more }: Message,
  body: Watched,
): Promise<Exchanged> {
  const answer = await client.request({
    method,
    path: `${url.pathname}${url.search}`,
    headers: { 'User-Agent': 'tintype', Accept: 'application/json', ...headers, ...more },
    body: body.given,
    reset: true,
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > largest) throw nonsense(url, `its answer is larger than ${largest} bytes`);
    chunks.push(chunk);
  }
  const { statusCode: status, headers: told } = answer;
  return { status, text: Buffer.concat(chunks).toString(), pauseMs: pauseAskedFor(status, told) };
}

/** A body whose own trouble is told apart from that of the connection. */
class Watched {
  readonly given: string | Readable | undefined;
  trouble: Failure | undefined;

  constructor(body: Message['body']) {
    this.given =
      body === undefined || typeof body === 'string'
        ? body
        : Readable.from(this.#pass(body), { highWaterMark: 1 });
  }

  async *#pass(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      this.trouble = error instanceof Failure ? error : undefined;
      throw error;
    }
  }
}
