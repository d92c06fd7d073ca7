/** The URL under which clients reach this server: configured, or as the request came. */
import type { FastifyRequest } from 'fastify';

/** Without a trailing slash. */
export function publicUrl(request: FastifyRequest, configured: string | null): string {
  if (configured !== null) return configured.replace(/\/+$/, '');
  return `${request.protocol}://${request.headers.host ?? 'localhost'}`;
}
