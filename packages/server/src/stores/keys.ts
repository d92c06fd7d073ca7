/** What a key may look like: the one rule that every driver checks before anything else. */
import { Failure } from '../base/failure.ts';

const keyForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

/** Fails with not_found: such an object cannot exist in any store. */
export function checkKey(key: string): void {
  if (!keyForm.test(key)) throw new Failure('not_found', 'No store has an object of that name.');
}

export function isKey(name: string): boolean {
  return keyForm.test(name);
}
