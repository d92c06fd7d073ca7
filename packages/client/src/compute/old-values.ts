/** Values as callers of the old vocabulary give them: flags and numbers may be text. */
import { VocabularyError } from '../errors.ts';

export function flagOf(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const text = String(value).trim().toLowerCase();
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new VocabularyError(`${name} is neither true nor false: ${JSON.stringify(value)}`);
}

/** A whole number of at least 0. */
export function amountOf(name: string, value: unknown): number {
  const amount = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(amount) && (amount as number) >= 0) return amount as number;
  throw new VocabularyError(`${name} is no whole number of at least 0: ${JSON.stringify(value)}`);
}
