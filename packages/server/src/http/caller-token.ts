/** The token of the caller, for what is asked of other services in their name. */
import type { FastifyRequest } from 'fastify';
import { textHeader } from './upload-headers.ts';

/** As it came; null: without one. */
export function tokenOf(request: FastifyRequest): string | null {
  return textHeader(request.headers['x-auth-token']) ?? null;
}
