/** Requests as the fault tests need them: one connection each, cut, trickled or held at will. */
import { once } from 'node:events';
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { as } from '../support/server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON document, or undefined when the body is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what the server sends is what the tests check.
  readonly json: any;
}

/** Who makes the calls of these tests. */
const caller = as('faults', 'member');

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.statusCode!, headers: response.headers, text, json };
}

/** One request with a JSON body or none. Fails when no whole answer comes back. */
export async function call(
  url: string,
  method: string,
  path: string,
  document?: unknown,
  headers: Record<string, string> = caller,
): Promise<Answer> {
  const body = document === undefined ? undefined : JSON.stringify(document);
  const made = request(url + path, {
    method,
    agent: false,
    headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
  });
  made.end(body);
  const [response] = (await once(made, 'response')) as [IncomingMessage];
  return await readAnswer(response);
}

/** A new raw image; resolves with its id. */
export async function createImage(url: string, more: Record<string, unknown> = {}): Promise<string> {
  const answer = await call(url, 'POST', '/v2/images', {
    disk_format: 'raw',
    container_format: 'bare',
    ...more,
  });
  if (answer.status !== 201) throw new Error(`create answered ${answer.status}: ${answer.text}`);
  return answer.json.id;
}

export async function statusOf(url: string, id: string): Promise<string | undefined> {
  return (await call(url, 'GET', `/v2/images/${id}`)).json.status;
}

/** Ids of the first thousand images, of those with `status` if given. */
export async function listImages(url: string, status?: string): Promise<string[]> {
  const filter = status === undefined ? '' : `&status=${status}`;
  const { images } = (await call(url, 'GET', `/v2/images?limit=1000${filter}`)).json;
  return images.map(({ id }: { id: string }) => id);
}

export interface TaskLine {
  readonly type: string;
  readonly status: string;
  readonly message: string;
  readonly result: { error: { code: string; message: string } } | null;
}

/** Newest first. */
export async function tasksOf(url: string, id: string): Promise<TaskLine[]> {
  return (await call(url, 'GET', `/v2/images/${id}/tasks`)).json.tasks;
}

export interface UploadOptions {
  /** Bytes in one write, 256 KiB unless given. */
  readonly pieceBytes?: number;
  /** Milliseconds between two writes. */
  readonly pauseMs?: number;
  /** Stop writing after so many bytes and leave the connection open. */
  readonly holdAt?: number;
  /** Without Content-Length. */
  readonly chunked?: boolean;
  /** Leave the connection open after the answer. */
  readonly keepAlive?: boolean;
  readonly headers?: Record<string, string>;
  /** Called after each write. */
  readonly onPiece?: () => void;
}

/** An upload under way. */
export class Upload {
  /** Bytes handed to the connection. */
  sent = 0;
  /** The answer; null when the connection ended without one. Never fails. */
  readonly answer: Promise<Answer | null>;
  /** Resolves with true once the server wants the body: the image is saving from then on. */
  readonly begun: Promise<boolean>;
  /** Resolves when writing is over: all sent, held, or the connection gone. */
  readonly written: Promise<void>;
  readonly #request: ClientRequest;
  readonly #body: Buffer;
  readonly #options: UploadOptions;
  #over = false;

  constructor(url: string, id: string, body: Buffer, options: UploadOptions = {}) {
    this.#body = body;
    this.#options = options;
    const length = options.chunked ? {} : { 'Content-Length': String(body.length) };
    this.#request = request(`${url}/v2/images/${id}/file`, {
      method: 'PUT',
      agent: options.keepAlive ? new Agent({ keepAlive: true }) : false,
      headers: {
        ...(options.headers ?? caller),
        'Content-Type': 'application/octet-stream',
        Expect: '100-continue',
        ...length,
      },
    });
    this.#request.on('error', () => {});
    const closed = new Promise<null>((resolve) => {
      this.#request.once('close', () => resolve(null));
    });
    const wanted = once(this.#request, 'continue').then(
      () => true,
      () => false,
    );
    this.begun = Promise.race([wanted, closed.then(() => false)]);
    const answered = new Promise<Answer | null>((resolve) => {
      const unanswered = () => resolve(null);
      this.#request.once('close', unanswered);
      this.#request.once('response', (response) => {
        this.#request.off('close', unanswered);
        readAnswer(response).then(resolve, unanswered);
      });
    });
    this.answer = answered.finally(() => {
      this.#over = true;
      if (!options.keepAlive) this.#request.destroy();
    });
    this.#request.flushHeaders();
    this.written = this.#write(options.holdAt ?? body.length);
  }

  get socket(): Socket {
    return this.#request.socket!;
  }

  async #write(end: number): Promise<void> {
    if (!(await this.begun)) return;
    const { pieceBytes = 262_144, pauseMs = 0 } = this.#options;
    while (this.sent < end && !this.#over && !this.#request.destroyed) {
      const piece = this.#body.subarray(this.sent, Math.min(end, this.sent + pieceBytes));
      await new Promise<void>((resolve) => {
        this.#request.once('close', resolve);
        this.#request.write(piece, () => {
          this.#request.off('close', resolve);
          resolve();
        });
      });
      this.sent += piece.length;
      this.#options.onPiece?.();
      if (pauseMs > 0) await delay(pauseMs);
    }
    if (end === this.#body.length && !this.#over) this.#request.end();
  }

  /** Sends what `holdAt` kept back. */
  async resume(): Promise<void> {
    await this.written;
    await this.#write(this.#body.length);
  }

  /** Ends the connection with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends our half of the connection in good order, in the middle of the data. */
  finish(): void {
    this.socket.end();
  }

  /** Gives up without a word to the server beyond the closed socket. */
  abandon(): void {
    this.#request.destroy();
  }
}

/** Uploads all of `body` and resolves with the answer; null when the connection ended without one. */
export async function upload(url: string, id: string, body: Buffer): Promise<Answer | null> {
  return await new Upload(url, id, body).answer;
}

/**
 * Reads the data and compares it, byte by byte. Resolves with the count of bytes that were the same; fails at the
 * first that differ, and on any answer but 200. A cut connection is no failure: the count is then short.
 */
export async function compareData(url: string, id: string, expected: Buffer): Promise<number> {
  const made = request(`${url}/v2/images/${id}/file`, { agent: false, headers: caller });
  made.end();
  const [response] = (await once(made, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) {
    const { text } = await readAnswer(response);
    throw new WrongData(
      `the data of image ${id} answers ${response.statusCode}: ${text}`,
      response.statusCode,
    );
  }
  let read = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (!chunk.equals(expected.subarray(read, read + chunk.length)))
        throw new WrongData(`the data of image ${id} differs in the ${chunk.length} bytes from ${read}`);
      read += chunk.length;
    }
  } catch (error) {
    if (error instanceof WrongData) throw error;
  }
  return read;
}

/** Data that is not what it has to be, told apart from a lost connection. */
export class WrongData extends Error {
  /** Of an answer other than 200. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}
