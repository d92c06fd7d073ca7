/** What the contract says of every answer, and of refusals (API section 1). */
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { type FailureCode, failures } from '@tintype/contract';
import { isReference } from '../support/target.ts';

// biome-ignore lint/suspicious/noExplicitAny: what the server sends is what the tests check.
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The document in the body; fails when it is none. */
  readonly json: Json;
}

/** The one shape of an error: exactly one top-level object, JSON whatever Accept says. */
function checkError({ status, headers, body }: Answer): void {
  const text = body.toString();
  assert.equal(headers['content-type'], 'application/json', text);
  const document = JSON.parse(text);
  assert.deepEqual(Object.keys(document), ['error'], text);
  const { code, title, message, reason, ...more } = document.error;
  assert.deepEqual(more, {}, text);
  assert.equal(code, status, text);
  assert.equal(title, STATUS_CODES[status], text);
  assert.ok(typeof message === 'string' && message !== '', text);
  assert.ok(Object.hasOwn(failures, reason), text);
  assert.equal(failures[reason as FailureCode].status, status, text);
}

/** Fails unless the answer is one that the contract allows at all. */
export function checkAnswer(method: string, answer: Answer): void {
  const { status, headers, body } = answer;
  assert.match(headers['x-openstack-request-id']?.toString() ?? 'none', /^req-/);
  if ([202, 204, 304].includes(status)) {
    assert.equal(body.length, 0);
    assert.equal(headers['content-type'], undefined);
  }
  if (status >= 400 && method !== 'HEAD' && !isReference) checkError(answer);
  if (status === 401)
    assert.match(headers['www-authenticate'] ?? 'none', /^Keystone uri='https?:\/\/[^']+'$/);
}

/** Fails unless the answer is this refusal. */
export function refused(answer: Answer, reason: FailureCode, message?: RegExp): void {
  const text = answer.body.toString();
  assert.equal(answer.status, failures[reason].status, text);
  if (isReference) return;
  assert.equal(answer.json.error.reason, reason, text);
  if (message !== undefined) assert.match(answer.json.error.message, message);
}
