/** What a row of the route table says, and what any route may answer. */
import type { TSchema } from 'typebox';
import type { FailureCode } from './failures.ts';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` for one path segment. */
  readonly path: string;
  readonly summary: string;
  /** What the request carries: nothing, one JSON document, or image data. */
  readonly body: 'none' | 'json' | 'data';
  /** Answered without a token. */
  readonly open?: true;
  readonly request?: TSchema;
  /** Content types of `request` other than application/json. */
  readonly consumes?: readonly string[];
  readonly query?: TSchema;
  /** Success status → schema of the body, null where the body is empty, 'data' for image data, 'text' for plain text, 'events' for Server-Sent Events. */
  readonly responses: Readonly<Record<number, TSchema | null | 'data' | 'text' | 'events'>>;
  /** Codes besides those any route can answer (`commonFailures`). */
  readonly failures: readonly FailureCode[];
}

/** What any route may answer. */
export const commonFailures: readonly FailureCode[] = [
  'unauthenticated',
  'bad_request',
  'body_not_allowed',
  'upload_cut',
  'upload_stalled',
  'not_found',
  'header_too_large',
  'method_not_allowed',
  'unknown_method',
  'unavailable',
  'internal',
];

/** What a route adds that looks at a URL which the client gives. */
export const sourceFailures = [
  'source_not_allowed',
  'address_blocked',
  'source_unreachable',
  'source_refused',
  'source_unavailable',
  'source_stalled',
  'source_cut',
  'source_changed',
  'source_size_unknown',
] as const satisfies readonly FailureCode[];
