/** One caller on one kept-alive connection: sends GETs and times the answers, with as little work as possible. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** From the request to the last byte of the answer. */
  readonly ms: number;
  /** Bytes of the body. */
  readonly bytes: number;
  /** The body, when it was asked to be kept. */
  readonly body: Buffer | null;
}

const headEnd = '\r\n\r\n';
/** More than any head has. */
const headMost = 4096;
/** As much as the loopback interface gives at a time: every read is one call, into memory that is used again. */
const readBytes = 64 * 1024;

/** Reads answers that have a Content-Length; anything else is an error. Not for more than one request at a time. */
export class HttpCaller {
  readonly #socket: Socket;
  readonly #host: string;
  #keepBody = false;
  #kept: Buffer[] = [];
  #head = '';
  #received = 0;
  /** Of head and body together; 0 while the head is not complete. */
  #expected = 0;
  #headLength = 0;
  #status = 0;
  #ended: (() => void) | null = null;
  #failed: ((error: Error) => void) | null = null;

  private constructor(url: URL) {
    this.#host = url.host;
    const callback = (length: number, buffer: Uint8Array) => {
      this.#take(Buffer.from(buffer.buffer, buffer.byteOffset, length));
      return true;
    };
    const onread = { buffer: Buffer.allocUnsafe(readBytes), callback };
    this.#socket = connect({ port: Number(url.port), host: url.hostname, onread });
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => this.#failed?.(error));
    this.#socket.on('close', () => this.#failed?.(new Error('The server closed the connection.')));
  }

  static async open(url: URL): Promise<HttpCaller> {
    const caller = new HttpCaller(url);
    await once(caller.#socket, 'connect');
    return caller;
  }

  /** The text of a GET, to be made once and sent many times. */
  request(path: string, token: string | null): Buffer {
    const identity = token === null ? '' : `X-Auth-Token: ${token}\r\n`;
    return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nAccept: */*\r\n${identity}\r\n`);
  }

  async send(request: Buffer, keepBody = false): Promise<Answer> {
    this.#keepBody = keepBody;
    this.#kept = [];
    this.#head = '';
    this.#received = 0;
    this.#expected = 0;
    const begun = performance.now();
    await new Promise<void>((resolve, reject) => {
      this.#ended = resolve;
      this.#failed = reject;
      this.#socket.write(request);
    });
    const ms = performance.now() - begun;
    this.#failed = null;
    const body = keepBody ? Buffer.concat(this.#kept).subarray(this.#headLength) : null;
    return { status: this.#status, ms, bytes: this.#received - this.#headLength, body };
  }

  close(): void {
    this.#failed = null;
    this.#socket.destroy();
  }

  /** `chunk` is overwritten by the next read. */
  #take(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#keepBody) this.#kept.push(Buffer.from(chunk));
    if (this.#expected === 0) this.#readHead(chunk);
    if (this.#expected > 0 && this.#received >= this.#expected) this.#ended?.();
  }

  #readHead(chunk: Buffer): void {
    this.#head += chunk.toString('latin1', 0, headMost);
    const end = this.#head.indexOf(headEnd);
    if (end === -1) return;
    const head = this.#head.slice(0, end);
    const length = /\r\ncontent-length: (\d+)/i.exec(head);
    if (length === null) {
      this.#failed?.(new Error(`An answer without Content-Length: ${head.slice(0, 100)}`));
      return;
    }
    this.#status = Number(head.slice(9, 12));
    this.#headLength = end + headEnd.length;
    this.#expected = this.#headLength + Number(length[1]);
  }
}
