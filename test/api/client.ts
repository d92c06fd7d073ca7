/** Calls of the Image API for the black-box suite; every answer is held to what the contract says of all answers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import type { Role, Target } from '../support/target.ts';
import { type Answer, checkAnswer, type Json } from './answer.ts';

export type { Answer, Json };

export interface Call {
  /** Sent as a JSON document. */
  readonly json?: unknown;
  /** Sent as it is: with its length when it is a buffer, chunked when it is a stream. */
  readonly body?: Buffer | Readable;
  /** Added to, or with undefined taken from, those that the call has anyway. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly chunked?: boolean;
  readonly signal?: AbortSignal;
}

export type PatchForm = 'v2.0' | 'v2.1';

/** A new image with the formats of a plain disk. */
export const raw = { disk_format: 'raw', container_format: 'bare' } as const;

function agent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 16 });
}

const agents = new WeakMap<Target, Agent>();

function agentOf(target: Target): Agent {
  const known = agents.get(target) ?? agent();
  agents.set(target, known);
  return known;
}

function headersFor(call: Call, identity: Record<string, string>): Record<string, string> {
  const document = call.json === undefined ? {} : { 'Content-Type': 'application/json' };
  const all: Record<string, string | undefined> = { ...identity, ...document, ...call.headers };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { statusCode = 0, headers } = response;
  return {
    status: statusCode,
    headers,
    body,
    get json() {
      return JSON.parse(body.toString());
    },
  };
}

/** One request; `role` null sends no identity. */
export async function send(
  target: Target,
  role: Role | null,
  method: string,
  path: string,
  call: Call = {},
): Promise<Answer> {
  const headers = headersFor(call, role === null ? {} : target.headersOf(role));
  const body = call.json === undefined ? call.body : Buffer.from(JSON.stringify(call.json));
  if (Buffer.isBuffer(body) && call.chunked !== true) headers['Content-Length'] = String(body.length);
  else if (body !== undefined) headers['Transfer-Encoding'] = 'chunked';
  const { hostname, port } = new URL(target.url);
  const made = request({
    hostname,
    port,
    method,
    path,
    headers,
    agent: agentOf(target),
    signal: call.signal,
  });
  const answered = once(made, 'response') as Promise<[IncomingMessage]>;
  // A server that refuses early may have closed before the last byte was sent.
  made.on('error', () => {});
  if (body === undefined || Buffer.isBuffer(body)) made.end(body);
  else body.pipe(made);
  const [response] = await answered;
  const answer = await readAnswer(response);
  if (!made.writableFinished) made.destroy();
  checkAnswer(method, answer);
  return answer;
}

/** The API as one caller uses it. */
export class Client {
  readonly target: Target;
  readonly role: Role;

  constructor(target: Target, role: Role = 'caller') {
    this.target = target;
    this.role = role;
  }

  get(path: string, headers?: Call['headers']): Promise<Answer> {
    return send(this.target, this.role, 'GET', path, { headers });
  }

  async post(path: string, json: unknown, headers?: Call['headers']): Promise<Answer> {
    const answer = await send(this.target, this.role, 'POST', path, { json, headers });
    if (answer.status === 201) this.#tidy(answer.json.id);
    return answer;
  }

  put(path: string, headers?: Call['headers']): Promise<Answer> {
    return send(this.target, this.role, 'PUT', path, { headers });
  }

  delete(path: string, headers?: Call['headers']): Promise<Answer> {
    return send(this.target, this.role, 'DELETE', path, { headers });
  }

  call(method: string, path: string, call: Call = {}): Promise<Answer> {
    return send(this.target, this.role, method, path, call);
  }

  /** A new image's record. */
  async create(fields: Record<string, unknown> = {}): Promise<Json> {
    const answer = await this.post('/v2/images', fields);
    assert.equal(answer.status, 201, answer.body.toString());
    return answer.json;
  }

  show(id: string): Promise<Answer> {
    return this.get(`/v2/images/${id}`);
  }

  async status(id: string): Promise<string> {
    const answer = await this.show(id);
    return answer.status === 404 ? 'deleted' : answer.json.status;
  }

  patch(
    id: string,
    operations: unknown,
    form: PatchForm = 'v2.1',
    headers?: Call['headers'],
  ): Promise<Answer> {
    const type = `application/openstack-images-${form}-json-patch`;
    return send(this.target, this.role, 'PATCH', `/v2/images/${id}`, {
      json: operations,
      headers: { 'Content-Type': type, ...headers },
    });
  }

  upload(id: string, body: Buffer | Readable, headers?: Call['headers']): Promise<Answer> {
    return send(this.target, this.role, 'PUT', `/v2/images/${id}/file`, {
      body,
      headers: { 'Content-Type': 'application/octet-stream', ...headers },
    });
  }

  download(id: string, headers?: Call['headers'], query = ''): Promise<Answer> {
    return this.get(`/v2/images/${id}/file${query}`, headers);
  }

  /** An active raw image with these bytes. */
  async createActive(body: Buffer, fields: Record<string, unknown> = {}): Promise<Json> {
    const { id } = await this.create({ ...raw, ...fields });
    const answer = await this.upload(id, body);
    assert.equal(answer.status, 204, answer.body.toString());
    return (await this.show(id)).json;
  }

  /** Ids on the page that this query asks for. */
  async ids(query: string): Promise<string[]> {
    const answer = await this.get(`/v2/images?${query}`);
    assert.equal(answer.status, 200, answer.body.toString());
    return answer.json.images.map((image: Json) => image.id);
  }

  async tasks(id: string): Promise<Json[]> {
    const answer = await this.get(`/v2/images/${id}/tasks`);
    assert.equal(answer.status, 200, answer.body.toString());
    return answer.json.tasks;
  }

  #tidy(id: string): void {
    this.target.tidyLater(async () => {
      await this.patch(id, [{ op: 'replace', path: '/protected', value: false }]);
      await this.delete(`/v2/images/${id}`);
    });
  }
}
