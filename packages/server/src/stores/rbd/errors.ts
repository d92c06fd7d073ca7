/** What librados and librbd say, as the failures that a store may tell. */
import { getSystemErrorName } from 'node:util';
import { Failure } from '../../base/failure.ts';

/** Those that this driver decides on. */
export const errno = {
  notPermitted: 1,
  missing: 2,
  denied: 13,
  busy: 16,
  exists: 17,
  invalid: 22,
  tooLarge: 27,
  noRoom: 28,
  tooShort: 34,
  notEmpty: 39,
  blocked: 108,
  timedOut: 110,
  overQuota: 122,
} as const;

/** A call that answered with an error. */
export class CephError extends Error {
  readonly call: string;
  /** Positive. */
  readonly errno: number;

  constructor(call: string, number: number) {
    super(`${call}: ${nameOf(number)}`);
    this.name = 'CephError';
    this.call = call;
    this.errno = number;
  }
}

function nameOf(number: number): string {
  try {
    return getSystemErrorName(-number);
  } catch {
    return `errno ${number}`;
  }
}

export function isErrno(error: unknown, ...numbers: readonly number[]): boolean {
  return error instanceof CephError && numbers.includes(error.errno);
}

/** Whether asking again later is of no use until somebody changes the settings. */
export function isDefinite(error: unknown): boolean {
  return isErrno(error, errno.notPermitted, errno.missing, errno.denied, errno.invalid);
}

/** store_full or store_unavailable around what a call says; a Failure unchanged. */
export function told(error: unknown, storeId: string): unknown {
  if (error instanceof Failure) return error;
  const options = { cause: error };
  if (isErrno(error, errno.noRoom, errno.overQuota, errno.tooLarge))
    return new Failure('store_full', `Store ${storeId} has no room.`, options);
  const why = error instanceof CephError ? nameOf(error.errno) : 'unknown';
  return new Failure('store_unavailable', `Store ${storeId} cannot be used now (${why}).`, options);
}
