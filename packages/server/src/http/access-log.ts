/** One line and one measurement a request. */
import type { FastifyInstance } from 'fastify';
import type { Log } from '../base/log.ts';
import type { Metrics } from './metrics.ts';

/** The path without its query: queries may carry what does not belong in a log. */
function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

export function logRequests(server: FastifyInstance, log: Log, metrics: Metrics): void {
  server.addHook('onResponse', async (request, reply) => {
    const ms = reply.elapsedTime;
    const route = request.routeOptions.url ?? 'unknown';
    const status = reply.raw.statusCode;
    metrics.requests.observe({ method: request.method, route, status }, ms / 1000);
    log.info(
      {
        requestId: request.id,
        method: request.method,
        path: pathOf(request.originalUrl),
        status,
        ms: Math.round(ms * 10) / 10,
        project: request.caller?.projectId ?? undefined,
        user: request.caller?.userId ?? undefined,
      },
      'request',
    );
  });
}
