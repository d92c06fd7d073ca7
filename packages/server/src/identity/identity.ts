/** The interface of an identity mode: from the request's headers to a caller. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from './caller.ts';

export interface Identity {
  readonly mode: 'tokens' | 'keystone' | 'oidc' | 'headers' | 'none';
  /** Fails with unauthenticated, or unavailable when that cannot be decided now. */
  authenticate(headers: IncomingHttpHeaders): Promise<Caller>;
  close(): Promise<void>;
}

/** One value of a header; of a repeated one the first. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
