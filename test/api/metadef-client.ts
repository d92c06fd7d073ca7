/** Calls on metadata definitions, as one caller makes them. */
import assert from 'node:assert/strict';
import type { FailureCode } from '@tintype/contract';
import { as } from '../support/server.ts';
import { inProject, type Rank, type Target } from '../support/target.ts';
import { plainErrors } from './answer.ts';

// biome-ignore lint/suspicious/noExplicitAny: what the server sends is what the tests check.
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Json;
}

export interface MetadefClient {
  get(path: string): Promise<Answer>;
  post(path: string, json?: unknown, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, json: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  /** A namespace, made or the test fails. */
  make(fields: Record<string, unknown>): Promise<Json>;
}

/** `path` counts from /v2/metadefs unless it begins with /v2. */
export function metadefClient(target: Target, project: string | null, role: Rank | null): MetadefClient {
  const identity = role === null ? as(project) : inProject(project, role);
  const tidy = (namespace: string) =>
    target.tidyLater(async () => {
      const path = `/namespaces/${encodeURIComponent(namespace)}`;
      const shown = await call('GET', path);
      if (shown.json.protected) await call('PUT', path, { namespace, protected: false });
      await call('DELETE', path);
    });

  async function call(
    method: string,
    path: string,
    json?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${target.url}${path.startsWith('/v2') ? path : `/v2/metadefs${path}`}`, {
      method,
      headers: { ...identity, ...headers },
      ...(json === undefined ? {} : { body: typeof json === 'string' ? json : JSON.stringify(json) }),
    });
    const text = await response.text();
    const { status } = response;
    assert.ok(status < 500, `${method} ${path}: ${status} ${text}`);
    if (status === 201 && path === '/namespaces') tidy(JSON.parse(text).namespace);
    return {
      status,
      headers: response.headers,
      text,
      get json() {
        return text === '' ? null : JSON.parse(text);
      },
    };
  }
  const post: MetadefClient['post'] = (path, json, headers) => call('POST', path, json, headers);
  return {
    get: (path) => call('GET', path),
    post,
    put: (path, json) => call('PUT', path, json),
    delete: (path) => call('DELETE', path),
    async make(fields) {
      const answer = await post('/namespaces', fields);
      assert.equal(answer.status, 201, answer.text);
      return answer.json;
    },
  };
}

/** Fails unless the answer is this refusal. */
export function refused(answer: Answer, status: number, reason: FailureCode, message?: RegExp): void {
  assert.equal(answer.status, status, answer.text);
  if (plainErrors !== false) return;
  assert.equal(answer.json.error.reason, reason, answer.text);
  assert.equal(answer.json.error.code, status);
  if (message !== undefined) assert.match(answer.json.error.message, message);
}

/** Without what differs each time. */
export function timeless(record: Json): Json {
  const { created_at, updated_at, ...rest } = record;
  for (const time of [created_at, updated_at]) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  return rest;
}
