/** Requests that no route takes: versions document, 405 with Allow, 501 or 404 (API section 1). */
import { type Route, routes } from '@tintype/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../base/failure.ts';
import type { HttpParts } from './context.ts';
import { publicUrl } from './public-url.ts';
import { versionsDocument } from './routes/versions.ts';

const knownMethods = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
]);

const patterns = (Object.values(routes) as Route[]).map(({ method, path }) => ({
  method,
  path: new RegExp(`^${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`),
}));
const firstSegments = new Set((Object.values(routes) as Route[]).map(({ path }) => path.split('/')[1]));

function allowedMethods(path: string): string[] {
  return [...new Set(patterns.filter((one) => one.path.test(path)).map(({ method }) => method))];
}

/** For `setNotFoundHandler`. */
export function unknownRoute(parts: HttpParts) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const path = request.url.split('?')[0]!;
    if (!knownMethods.has(request.method))
      throw new Failure('unknown_method', `The server does not know the method ${request.method}.`);
    // Absolute: keystoneauth follows no other.
    if (path === '/v2')
      return await reply.redirect(`${publicUrl(request, parts.settings.publicEndpoint)}/v2/`, 302);
    if (!firstSegments.has(path.split('/')[1]!)) {
      const text = JSON.stringify(versionsDocument(request, parts.settings));
      return await reply.code(300).type('application/json').send(text);
    }
    if (path.startsWith('/v2/')) await parts.identity.authenticate(request.headers);
    const allowed = allowedMethods(path);
    if (allowed.length === 0) throw new Failure('not_found', 'There is nothing under this path.');
    reply.header('Allow', allowed.join(', '));
    throw new Failure('method_not_allowed', `This path takes ${allowed.join(', ')}, not ${request.method}.`);
  };
}
