/** What a case of the store contract is given, and the words that several cases use. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Failure } from '../../base/failure.ts';
import type { Store } from '../store.ts';
import { stream } from './bytes.ts';

/** Makes an object of `size` bytes of seed 1, by `put` or behind the store's back, and gives its key. */
export type MakeObject = (size: number) => Promise<string>;

export type Cases = Readonly<Record<string, (store: Store, made: MakeObject) => Promise<void>>>;

/** A key that no other case has. */
export function freshKey(): string {
  return `contract-${randomBytes(8).toString('hex')}`;
}

/** Puts `size` bytes of seed 1 and gives the key. */
export async function given(store: Store, size: number): Promise<string> {
  const key = freshKey();
  assert.deepEqual(await store.put(key, stream(1, size)), { size });
  return key;
}

export async function listedKeys(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys;
}

/** Neither found nor listed. */
export async function assertAbsent(store: Store, key: string): Promise<void> {
  await rejectsWith(store.stat(key), 'not_found');
  await rejectsWith(store.get(key), 'not_found');
  assert.ok(!(await listedKeys(store)).includes(key), `${key} is listed`);
}

export async function rejectsWith(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Failure, `not a Failure: ${error}`);
    assert.equal(error.code, code);
    return true;
  });
}
