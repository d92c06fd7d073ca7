/** What the file system says, as the failures that a store may tell. */
import { Failure } from '../../base/failure.ts';

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The `code` of a system error, such as ENOENT; an empty string for anything else. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** store_full or store_unavailable around a system error; anything else unchanged. */
export function told(error: unknown, storeId: string): unknown {
  const code = systemCode(error);
  if (error instanceof Failure || code === '') return error;
  if (full.has(code)) return new Failure('store_full', `Store ${storeId} has no room.`, { cause: error });
  return new Failure('store_unavailable', `Store ${storeId} cannot be used now (${code}).`, { cause: error });
}
