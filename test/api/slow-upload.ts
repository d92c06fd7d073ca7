/** An upload under the test's control: piece by piece, held, or cut off. */
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Role, Target } from '../support/target.ts';
import { checkAnswer } from './answer.ts';
import type { Answer } from './client.ts';

export class SlowUpload {
  /** Rejects when the connection ends without an answer. */
  readonly answer: Promise<Answer>;
  readonly #request: ClientRequest;

  /** `to`: id of an image, or another path. Chunked unless the headers have a Content-Length. */
  constructor(target: Target, role: Role, to: string, headers: Record<string, string> = {}) {
    const { hostname, port } = new URL(target.url);
    this.#request = request({
      hostname,
      port,
      method: 'PUT',
      path: to.startsWith('/') ? to : `/v2/images/${to}/file`,
      headers: { ...target.headersOf(role), 'Content-Type': 'application/octet-stream', ...headers },
      agent: new Agent({ keepAlive: false }),
    });
    this.answer = this.#read();
    this.answer.catch(() => {});
    this.#request.on('error', () => {});
    this.#request.flushHeaders();
  }

  /** Resolves when the server says "100 Continue". */
  async leave(): Promise<void> {
    await once(this.#request, 'continue');
  }

  /** Resolves when the piece is on its way. */
  async write(piece: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#request.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }

  async finish(): Promise<Answer> {
    this.#request.end();
    return await this.answer;
  }

  /** Ends the connection in the middle. */
  cut(): void {
    this.#request.destroy();
  }

  async #read(): Promise<Answer> {
    const [response] = (await once(this.#request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const answer: Answer = {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body,
      get json() {
        return JSON.parse(body.toString());
      },
    };
    checkAnswer('PUT', answer);
    return answer;
  }
}
