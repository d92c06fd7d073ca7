/** Request ids: a client's own when it is usable, else a new one (API section 1). */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Failure } from '../base/failure.ts';

const longest = 64;

function suppliedId(request: Pick<IncomingMessage, 'headers'>): string | undefined {
  const value = request.headers['x-openstack-request-id'];
  return Array.isArray(value) ? value[0] : value;
}

/** Always `req-…`. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const supplied = suppliedId(request);
  if (supplied === undefined || !/^[\w.:-]{1,64}$/.test(supplied)) return `req-${randomUUID()}`;
  return supplied.startsWith('req-') ? supplied : `req-${supplied}`;
}

/** Fails with header_too_large. */
export function checkRequestId(request: Pick<IncomingMessage, 'headers'>): void {
  if ((suppliedId(request)?.length ?? 0) > longest)
    throw new Failure('header_too_large', `X-Openstack-Request-Id is longer than ${longest} characters.`);
}
