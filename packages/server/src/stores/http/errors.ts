/** What a source says, as the failures that a store may tell: who reads an image has no say in its URL. */

import { Failure } from '../../base/failure.ts';
import { SourceStatus } from '../../base/fetch/failures.ts';

/** not_found when the source says that there is nothing (any more); null otherwise. */
export function missing(error: unknown, storeId: string): Failure | null {
  const cause = error instanceof Failure ? error.cause : null;
  if (!(cause instanceof SourceStatus) || ![404, 410].includes(cause.status)) return null;
  return new Failure('not_found', `Store ${storeId} has no such object.`, { cause: error });
}

/** The URL stays in the cause, which is for the log. */
export function told(error: unknown, storeId: string): unknown {
  if (!(error instanceof Failure) || error.code === 'range_not_satisfiable') return error;
  const unavailable = () =>
    new Failure('store_unavailable', `Store ${storeId} cannot read this object now.`, { cause: error });
  return missing(error, storeId) ?? unavailable();
}
