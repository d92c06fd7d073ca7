/** GET /healthcheck, /readyz and /metrics: for load balancers and monitoring. */
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';

export function healthRoutes({ readiness, metrics }: Pick<HttpParts, 'readiness' | 'metrics'>): Handlers {
  return {
    healthcheck: async (_request, reply) => await reply.type('text/plain; charset=utf-8').send('OK'),
    readyz: async (_request, reply) => {
      const state = await readiness();
      return await reply.code(state.ready ? 200 : 503).send(state);
    },
    metrics: async (_request, reply) =>
      await reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  };
}
