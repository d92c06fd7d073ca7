/** One request to Swift or Keystone: given up when nothing moves, never followed elsewhere. */
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { trusting } from '../../base/fetch/authorities.ts';
import { SwiftStatus } from './errors.ts';
import type { SwiftStoreOptions } from './options.ts';

export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly signal?: AbortSignal;
  /** Whoever reads the body watches over it. */
  readonly isWatched?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read, or closed with `destroy`. */
  readonly body: Readable;
}

/** Milliseconds to connect. */
const connectMs = 5000;
/** Bytes handed to the socket at a time: the idle limit begins anew with each. */
const pieceBytes = 256 * 1024;
/** Bytes of a text that are read at most. */
const longestText = 64 * 1024 * 1024;

export class Wire {
  readonly #agent: Agent;

  /** Fails with bad_request when the file with the authorities cannot be used. */
  constructor({ caFile, idleTimeout }: Pick<SwiftStoreOptions, 'caFile' | 'idleTimeout'>) {
    const tls = caFile === null ? {} : { secureContext: trusting(caFile) };
    this.#agent = new Agent({
      connect: { timeout: connectMs, ...tls },
      headersTimeout: idleTimeout * 1000,
      bodyTimeout: idleTimeout * 1000,
    });
  }

  /** Fails with SwiftStatus for anything but success, and with what the network says. */
  async ask({ method, url, headers = {}, body, signal, isWatched = false }: Ask): Promise<Answer> {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const answer = await request(url, {
      dispatcher: this.#agent,
      method,
      headers: { ...headers, ...length },
      body: Buffer.isBuffer(body) && body.length > 0 ? Readable.from(pieces(body)) : body,
      signal,
      ...(isWatched ? { bodyTimeout: 0 } : {}),
    });
    const { statusCode: status } = answer;
    // Read by somebody who left: the connection's end must not become an uncaught error.
    answer.body.on('error', () => {});
    if (status >= 200 && status < 300) return { status, headers: answer.headers, body: answer.body };
    const said = method === 'HEAD' ? '' : await answer.body.text().catch(() => '');
    throw new SwiftStatus(status, method, said.replace(/\s+/g, ' ').slice(0, 200));
  }

  /** The same, with the body as text. */
  async text(ask: Ask): Promise<{ headers: Answer['headers']; text: string }> {
    const { headers, body } = await this.ask(ask);
    let size = 0;
    const chunks: Buffer[] = [];
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > longestText) throw new Error('the answer is too long');
      chunks.push(chunk);
    }
    return { headers, text: Buffer.concat(chunks).toString() };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** The first value of a header. */
export function header({ headers }: Pick<Answer, 'headers'>, name: string): string | null {
  return [headers[name] ?? []].flat()[0] ?? null;
}
