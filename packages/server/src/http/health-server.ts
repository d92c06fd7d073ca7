/** What a process without the API answers: is it alive, can it work, its figures. */
import Fastify, { type FastifyInstance } from 'fastify';
import type { HealthParts } from './context.ts';
import { errorBody } from './errors.ts';
import { healthRoutes } from './routes/health.ts';

export function createHealthServer(parts: HealthParts): FastifyInstance {
  const server = Fastify({ exposeHeadRoutes: false, forceCloseConnections: true });
  const { healthcheck, readyz, metrics } = healthRoutes(parts);
  server.get('/healthcheck', healthcheck!);
  server.get('/readyz', readyz!);
  server.get('/metrics', metrics!);
  server.setNotFoundHandler((_request, reply) => {
    const sentence = 'This process is a worker: it has no API.';
    return reply
      .code(404)
      .type('application/json')
      .send(JSON.stringify(errorBody('not_found', sentence)));
  });
  return server;
}
