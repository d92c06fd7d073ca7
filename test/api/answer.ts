/** What the contract says of every answer, and of refusals (API section 1). */
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { type FailureCode, failures } from '@tintype/contract';
import { differs } from '../support/target.ts';

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

/** For where an error's reason is looked at. */
export const plainErrors = differs('Errors are HTML or plain text, as Accept asks, and name no reason.');
const emptyWithType = differs('Answers without a body have a Content-Type.');
const withoutContext = differs('Only answers of the handlers of /v2 have an X-Openstack-Request-Id.');
const otherMiddleware = differs('It is keystonemiddleware in front that adds WWW-Authenticate to a 401.');

/** Fails unless the answer is one that the contract allows at all. */
export function checkAnswer(method: string, answer: Answer): void {
  const { status, headers, body } = answer;
  const id = headers['x-openstack-request-id']?.toString();
  if (id !== undefined || withoutContext === false) assert.match(id ?? 'none', /^req-/);
  if ([202, 204, 304].includes(status)) {
    assert.equal(body.length, 0);
    if (emptyWithType === false) assert.equal(headers['content-type'], undefined);
  }
  if (status >= 400 && method !== 'HEAD' && plainErrors === false) checkError(answer);
  if (status === 401 && otherMiddleware === false)
    assert.match(headers['www-authenticate'] ?? 'none', /^Keystone uri='https?:\/\/[^']+'$/);
}

const unordered = differs('Tags come in no order.');

/** The record with its tags as they were given, or sorted where they come in no order. */
export function inOrder<T extends { readonly tags: string[] }>(record: T): T {
  return unordered === false ? record : { ...record, tags: record.tags.toSorted() };
}

/** Fails unless the answer is this refusal. */
export function refused(answer: Answer, reason: FailureCode, message?: RegExp): void {
  // It may be an image.
  const text = answer.body.toString().slice(0, 500);
  assert.equal(answer.status, failures[reason].status, text);
  if (plainErrors !== false) return;
  assert.equal(answer.json.error.reason, reason, text);
  if (message !== undefined) assert.match(answer.json.error.message, message);
}
