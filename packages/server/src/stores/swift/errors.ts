/** What Swift answers, as the failures that a store may tell. Its own words stay in the cause, for the log. */
import { Failure } from '../../base/failure.ts';

/** An answer that is no success. */
export class SwiftStatus extends Error {
  readonly status: number;

  constructor(status: number, method: string, said: string) {
    super(`Swift answered ${status} to ${method}${said === '' ? '' : `: ${said}`}`);
    this.name = 'SwiftStatus';
    this.status = status;
  }
}

/** 0 when there was no answer. */
export function statusOf(error: unknown): number {
  return error instanceof SwiftStatus ? error.status : 0;
}

/** A server whose certificate is not good. */
function isUntrusted(error: unknown): boolean {
  return /CERT|_TLS_|_SSL_|VERIFY/.test(wordOf(error));
}

/** Whether asking again later is of no use until somebody changes the settings. */
export function isDefinite(error: unknown): boolean {
  const status = statusOf(error);
  return isUntrusted(error) || (status >= 300 && status < 500 && ![408, 429, 498].includes(status));
}

/** Whether the same request may succeed in a moment. */
export function passes(error: unknown): boolean {
  if (error instanceof Failure || isUntrusted(error)) return false;
  const status = statusOf(error);
  if (status === 501 || status === 507) return false;
  // 422: the bytes were spoilt on their way.
  return status === 0 || status >= 500 || [408, 422, 429, 498].includes(status);
}

function wordOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const word = [code, name].find(
    (one) => typeof one === 'string' && /^\w{1,64}$/.test(one) && one !== 'Error',
  );
  return String(word ?? 'unknown');
}

/** store_full, store_unavailable or image_exists around what went wrong; a Failure unchanged. */
export function told(error: unknown, storeId: string): unknown {
  if (error instanceof Failure) return error;
  const options = { cause: error };
  const status = statusOf(error);
  if (status === 413 || status === 507)
    return new Failure('store_full', `Store ${storeId} has no room.`, options);
  if (status === 412)
    return new Failure('image_exists', `Store ${storeId} already has an object of this name.`, options);
  const why = status === 0 ? wordOf(error) : status;
  return new Failure('store_unavailable', `Store ${storeId} cannot be used now (${why}).`, options);
}
