/** A listener to GET /v2/events, for the black-box suite. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Role, Target } from '../support/target.ts';
import type { Json } from './answer.ts';

/** Milliseconds that something expected may take. */
const patienceMs = 30_000;

export interface Block {
  readonly id: string;
  readonly event: string;
  readonly data: Json;
}

export class EventStream {
  /** What came so far. */
  readonly blocks: Block[] = [];
  /** Resolves when the server has ended the answer. */
  readonly ended: Promise<void>;
  /** Of the last block or sign of life. */
  lastId = '';
  readonly headers: IncomingMessage['headers'];
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;

  constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.#response = response;
    this.headers = response.headers;
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      const parts = `${text}${chunk}`.split('\n\n');
      text = parts.pop()!;
      for (const part of parts) this.#take(part);
    });
    response.on('error', () => {});
    this.ended = new Promise((resolve) => response.once('close', resolve));
  }

  #take(part: string): void {
    const fields = new Map(
      part.split('\n').map((line) => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
    );
    this.lastId = fields.get('id') ?? this.lastId;
    const data = fields.get('data');
    if (data === undefined) return;
    this.blocks.push({ id: fields.get('id')!, event: fields.get('event')!, data: JSON.parse(data) });
    this.#response.emit('block');
  }

  /** Types of the events on this image, in the order in which they came. */
  typesOf(imageId: string): string[] {
    return this.blocks.filter(({ data }) => data.image_id === imageId).map(({ event }) => event);
  }

  /** Waits until `isThere` holds. */
  async until(what: string, isThere: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(patienceMs);
    while (!isThere())
      await once(this.#response, 'block', { signal }).catch(() =>
        assert.fail(`${what} was not told in time`),
      );
  }

  close(): void {
    this.#request.destroy();
  }
}

/** Resolves once the server listens: what happens afterwards is told. */
export async function listen(
  target: Target,
  role: Role,
  query = '',
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const { hostname, port } = new URL(target.url);
  const path = `/v2/events${query}`;
  const all = { ...target.headersOf(role), ...headers };
  const sent = request({ hostname, port, path, headers: all, agent: false });
  sent.on('error', () => {});
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  return new EventStream(sent, response);
}
