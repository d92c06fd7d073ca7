/** Puts a handler behind a route of the contract's table, with the checks that its row asks for. */
import { type Route, type RouteName, routes } from '@tintype/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../base/failure.ts';
import type { HttpParts } from './context.ts';
import { requireNoBody } from './request-body.ts';

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
export type Handlers = Partial<Record<RouteName, Handler>>;

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
}

/** Fails with unsupported_media_type; afterwards the framework has no opinion about the type. */
function checkMediaType(route: Route, request: FastifyRequest, reply: FastifyReply): void {
  if (route.consumes !== undefined && !route.consumes.includes(mediaType(request))) {
    reply.header('Accept-Patch', route.consumes.join(', '));
    throw new Failure('unsupported_media_type', `Content-Type must be one of ${route.consumes.join(', ')}.`);
  }
  if (route.body === 'data' && mediaType(request) !== 'application/octet-stream')
    throw new Failure('unsupported_media_type', 'Content-Type must be application/octet-stream.');
  if (route.body === 'none') delete request.headers['content-type'];
  if (route.body === 'json' && route.consumes === undefined)
    request.headers['content-type'] = 'application/json';
}

/** Fails with not_found when a parameter is empty: a path that ends in a slash is another path. */
function checkParameters(request: FastifyRequest): void {
  if (Object.values(request.params as Record<string, string>).includes(''))
    throw new Failure('not_found', 'There is nothing under this path.');
}

/** Every route of the table must get exactly one handler. */
export function registerRoutes(server: FastifyInstance, parts: HttpParts, handlers: Handlers): void {
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const handler = handlers[name];
    if (handler === undefined) throw new TypeError(`Route ${name} has no handler.`);
    server.route({
      method: route.method,
      url: route.path,
      config: { body: route.body },
      async onRequest(request, reply) {
        if (route.open !== true) request.caller = await parts.identity.authenticate(request.headers);
        checkParameters(request);
        checkMediaType(route, request, reply);
        if (route.body === 'none')
          await requireNoBody(request.raw, request.awaitsLeave(), parts.settings.uploadIdleMs);
      },
      handler,
    });
  }
}
