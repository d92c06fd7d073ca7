/** What an S3 server says, as the failures that a store may tell. Its messages stay in the cause, for the log. */
import { Failure } from '../../base/failure.ts';

const missing = new Set(['NoSuchKey', 'NotFound', 'NoSuchVersion']);
const full = new Set([
  'QuotaExceeded',
  'EntityTooLarge',
  'InsufficientCapacity',
  'InsufficientStorage',
  'InsufficientStorageSpace',
  'XMinioStorageFull',
]);
/** Of requests that others of ours may have overtaken, or that the server had no time for. */
const passing = new Set(['SlowDown', 'RequestTimeout', 'OperationAborted', 'TooManyRequests', 'Throttling']);
const rotated = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
]);

/** 0 when there was no answer. */
export function statusOf(error: unknown): number {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode ?? 0;
}

/** Such as NoSuchKey or ECONNREFUSED. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  const word = [code, error.name].find(
    (one) => typeof one === 'string' && /^\w{1,64}$/.test(one) && one !== 'Error',
  );
  return String(word ?? (statusOf(error) || 'unknown'));
}

export function isMissing(error: unknown): boolean {
  return missing.has(codeOf(error)) || (statusOf(error) === 404 && codeOf(error) !== 'NoSuchBucket');
}

/** A server whose certificate is not good. */
function isUntrusted(error: unknown): boolean {
  return statusOf(error) === 0 && /CERT|_TLS_|_SSL_|VERIFY/.test(codeOf(error));
}

/** Whether asking again later is of no use until somebody changes the settings. */
export function isDefinite(error: unknown): boolean {
  const status = statusOf(error);
  return isUntrusted(error) || (status >= 300 && status < 500 && status !== 429 && status !== 408);
}

/** Whether the same request may succeed in a moment. */
export function passes(error: unknown): boolean {
  if (error instanceof Failure || isUntrusted(error)) return false;
  const status = statusOf(error);
  if (full.has(codeOf(error)) || status === 501 || status === 507) return false;
  return status === 0 || status >= 500 || status === 429 || status === 408 || passing.has(codeOf(error));
}

export function mayBeRotated(error: unknown): boolean {
  return rotated.has(codeOf(error));
}

/** store_full, store_unavailable or image_exists around what the SDK throws; a Failure unchanged. */
export function told(error: unknown, storeId: string): unknown {
  if (error instanceof Failure) return error;
  const options = { cause: error };
  const [code, status] = [codeOf(error), statusOf(error)];
  if (full.has(code) || status === 413 || status === 507)
    return new Failure('store_full', `Store ${storeId} has no room.`, options);
  if (status === 412)
    return new Failure('image_exists', `Store ${storeId} already has an object of this name.`, options);
  return new Failure('store_unavailable', `Store ${storeId} cannot be used now (${code}).`, options);
}
