/** What went wrong with a source, in sentences that a person can act on; the technical cause is for the log. */
import type { IncomingHttpHeaders } from 'node:http';
import { Failure, type FailureCode } from '../failure.ts';
import { isPassing, pauseAskedFor } from './retry-after.ts';
import { shown } from './source-url.ts';

/** Of system, resolver and TLS errors, in words. */
const reasons: Readonly<Record<string, string | undefined>> = {
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be resolved now',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no way to its host',
  ENETUNREACH: 'there is no way to its network',
  ETIMEDOUT: 'connecting took too long',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by a known authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by a known authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by a known authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by a known authority',
  UND_ERR_SOCKET: 'the connection was closed without an answer',
};

/** The source could not be connected to, or did not answer. */
export function unreachable(url: URL, cause: unknown): Failure {
  return new Failure('source_unreachable', told(url, reasonOf(cause)), { cause });
}

/** No answer, or no data, for so long. */
export function stalled(url: URL, what: string, ms: number): Failure {
  return new Failure('source_stalled', told(url, `${what} for ${ms / 1000} seconds`));
}

export function cut(url: URL, position: number, size: number | null, cause?: unknown): Failure {
  const of = size === null ? '' : ` of ${size}`;
  return new Failure('source_cut', told(url, `the data ended after ${position}${of} bytes`), { cause });
}

/** It was cut, and cannot be continued. */
export function rangeless(url: URL): Failure {
  return new Failure(
    'source_cut',
    told(url, 'its data ended early, and it gives them only from the beginning'),
  );
}

export function changed(url: URL): Failure {
  return new Failure('source_changed', told(url, 'it changed while it was being read'));
}

export function tooLarge(url: URL, cap: number): Failure {
  return new Failure('source_too_large', told(url, `it has more than the ${cap} bytes allowed`));
}

/** The cause of what a status means. */
export class SourceStatus extends Error {
  readonly status: number;
  /** Milliseconds for which it asks not to be asked again. */
  readonly pauseMs: number;

  constructor(status: number, pauseMs: number) {
    super(`The status was ${status}.`);
    this.status = status;
    this.pauseMs = pauseMs;
  }
}

interface Refusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** Those that may pass by themselves have a code of their own. */
export function refused(url: URL, { status, headers }: Refusal): Failure {
  return new Failure(
    isPassing(status) ? 'source_unavailable' : 'source_refused',
    `Could not retrieve image. Received ${status} response for url '${shown(url)}'.`,
    { cause: new SourceStatus(status, pauseAskedFor(status, headers)) },
  );
}

/** Milliseconds for which whatever failed so asks not to be asked again. */
export function pauseAfter(error: unknown): number {
  return error instanceof Failure && error.cause instanceof SourceStatus ? error.cause.pauseMs : 0;
}

export function redirectsTooOften(url: URL, most: number): Failure {
  return new Failure('source_refused', told(url, `it redirects more than ${most} times`));
}

export function downgrades(url: URL): Failure {
  return new Failure('source_not_allowed', told(url, 'it redirects from https to http'));
}

/** An answer that cannot be made sense of. */
export function nonsense(url: URL, what: string, cause?: unknown): Failure {
  return new Failure('source_unavailable', told(url, what), { cause });
}

/** What keeps data from coming from a source, as what keeps it from getting to a place. */
const whenSending: Readonly<Record<string, FailureCode | undefined>> = {
  address_blocked: 'address_blocked',
  source_refused: 'target_refused',
  source_stalled: 'target_stalled',
  source_unavailable: 'target_unavailable',
  source_unreachable: 'target_unreachable',
};

/** A failure to connect or to ask, in the words of whoever sends; anything else unchanged. */
export function sending(error: unknown): unknown {
  const code = error instanceof Failure ? whenSending[error.code] : undefined;
  if (!(error instanceof Failure) || code === undefined) return error;
  const message = error.message.replace(/^Could not retrieve image/, 'Could not send the image');
  return new Failure(code, message.replace(/^(Could not send the image) from/, '$1 to'), {
    cause: error.cause,
  });
}

function told(url: URL, why: string): string {
  return `Could not retrieve image from '${shown(url)}': ${why}.`;
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'it cannot be reached';
  if (!('code' in cause) || typeof cause.code !== 'string') return cause.message;
  return reasons[cause.code] ?? `it cannot be reached (${cause.code})`;
}
