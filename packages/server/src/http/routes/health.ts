/** GET /healthcheck, /readyz and /metrics: for load balancers and monitoring. */
import type { HealthParts } from '../context.ts';
import type { Handlers } from '../register.ts';

export function healthRoutes({ readiness, metrics, withdrawn }: HealthParts): Handlers {
  return {
    healthcheck: async (_request, reply) => {
      reply.type('text/plain; charset=utf-8');
      // Glance: these very words, and plain text.
      return (await withdrawn()) ? await reply.code(503).send('DISABLED BY FILE') : await reply.send('OK');
    },
    readyz: async (_request, reply) => {
      const state = await readiness();
      return await reply.code(state.ready ? 200 : 503).send(state);
    },
    metrics: async (_request, reply) =>
      await reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  };
}
