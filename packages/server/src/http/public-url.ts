/** The URL under which clients reach this server: configured, or as the request came. */
import type { FastifyRequest } from 'fastify';

/** From X-Forwarded-Prefix; the framework has no opinion about this header. */
function prefixOf(request: FastifyRequest): string {
  // `ips` is set only when the sender is a trusted proxy.
  const isForwarded = (request.ips?.length ?? 0) > 1;
  const prefix = request.headers['x-forwarded-prefix'];
  return isForwarded && typeof prefix === 'string' && /^(\/[\w.~-]+)+$/.test(prefix) ? prefix : '';
}

/** Without a trailing slash. */
export function publicUrl(request: FastifyRequest, configured: string | null): string {
  if (configured !== null) return configured.replace(/\/+$/, '');
  return `${request.protocol}://${request.host || 'localhost'}${prefixOf(request)}`;
}
