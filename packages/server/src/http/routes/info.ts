/** GET /v2/info/…: what this server offers to the caller (API section 6). */
import { showUsage } from '../../images/show-usage.ts';
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';

export function infoRoutes({ images: parts }: HttpParts): Handlers {
  return {
    async showUsage(request, reply) {
      return reply.send({ usage: await showUsage(parts, request.caller) });
    },
  };
}
