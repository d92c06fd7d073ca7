/** One caller on one kept-alive connection: sends GETs and times the answers, with as little work as possible. */
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

const headEnd = Buffer.from('\r\n\r\n');

/** Reads answers that have a Content-Length; anything else is an error. Not for more than one request at a time. */
export class HttpCaller {
  readonly #socket: Socket;
  readonly #host: string;
  #chunks: Buffer[] = [];
  #received = 0;
  /** Of head and body together; 0 while the head is not complete. */
  #expected = 0;
  #headLength = 0;
  #status = 0;
  #ended: (() => void) | null = null;
  #failed: ((error: Error) => void) | null = null;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => this.#failed?.(error));
    socket.on('close', () => this.#failed?.(new Error('The server closed the connection.')));
  }

  static open(url: URL): Promise<HttpCaller> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpCaller(socket, url.host));
      });
    });
  }

  /** The text of a GET, to be made once and sent many times. */
  request(path: string, token: string | null): Buffer {
    const identity = token === null ? '' : `X-Auth-Token: ${token}\r\n`;
    return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nAccept: */*\r\n${identity}\r\n`);
  }

  async send(request: Buffer, keepBody = false): Promise<Answer> {
    this.#chunks = [];
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
    const body = keepBody ? Buffer.concat(this.#chunks).subarray(this.#headLength) : null;
    return { status: this.#status, ms, bytes: this.#received - this.#headLength, body };
  }

  close(): void {
    this.#failed = null;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#expected === 0) this.#readHead();
    if (this.#expected > 0 && this.#received >= this.#expected) this.#ended?.();
  }

  #readHead(): void {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const end = bytes.indexOf(headEnd);
    if (end === -1) return;
    const head = bytes.toString('latin1', 0, end);
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
