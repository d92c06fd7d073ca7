/** The HTTP edge: versions, request ids, identity, bodies, errors; one handler a route of the contract. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { logRequests } from './access-log.ts';
import { checkFraming } from './check-framing.ts';
import { answerClientError, answerConnect } from './client-errors.ts';
import type { HttpParts } from './context.ts';
import { allowOrigins } from './cors.ts';
import { errorHandler } from './errors.ts';
import { inTurn } from './in-turn.ts';
import { publicUrl } from './public-url.ts';
import { registerRoutes } from './register.ts';
import { readJson } from './request-body.ts';
import { checkRequestId, requestIdOf } from './request-id.ts';
import { cacheRoutes } from './routes/cache.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { imageActionRoutes } from './routes/image-actions.ts';
import { imageCloneRoutes } from './routes/image-clones.ts';
import { imageDataRoutes } from './routes/image-data.ts';
import { imageExportRoutes } from './routes/image-exports.ts';
import { imageImportRoutes } from './routes/image-imports.ts';
import { imageLocationRoutes } from './routes/image-locations.ts';
import { imageReplicaRoutes } from './routes/image-replicas.ts';
import { imageTaskRoutes } from './routes/image-tasks.ts';
import { imageRoutes } from './routes/images.ts';
import { importRoutes } from './routes/imports.ts';
import { infoRoutes } from './routes/info.ts';
import { memberRoutes } from './routes/members.ts';
import { metadefRoutes } from './routes/metadefs.ts';
import { schemaRoutes } from './routes/schemas.ts';
import { tagRoutes } from './routes/tags.ts';
import { taskRoutes } from './routes/tasks.ts';
import { versionsRoutes } from './routes/versions.ts';
import { unknownRoute } from './unknown-route.ts';
import { closeAfterBody, dropUnreadBody } from './unread-body.ts';
import { routablePath, withoutMinorVersion } from './version-paths.ts';

const maxHeaderBytes = 32_768;

/** Requests whose client waits for 100 Continue before it sends. */
const waiting = new WeakSet<IncomingMessage>();

export function createServer(parts: HttpParts): FastifyInstance {
  const server = Fastify({
    genReqId: (raw) => requestIdOf(raw),
    rewriteUrl: (raw) => routablePath(withoutMinorVersion(raw.url ?? '/', raw.headers.accept)),
    // Longer than any header section, so that no path is refused for its length alone.
    routerOptions: { maxParamLength: maxHeaderBytes },
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    trustProxy: [...parts.settings.trustedProxies],
    requestTimeout: 0,
    // Without a Host header Node.js would answer by itself; `checkFraming` refuses in our shape.
    http: { headersTimeout: 60_000, maxHeaderSize: maxHeaderBytes, requireHostHeader: false },
    keepAliveTimeout: 75_000,
  });
  readBodies(server, parts.settings.uploadIdleMs);
  prepareRequests(server);
  allowOrigins(server, parts.settings.corsOrigins);
  logRequests(server, parts.log, parts.metrics);
  server.setErrorHandler(
    errorHandler(parts.log, (request) => publicUrl(request, parts.settings.publicEndpoint)),
  );
  server.setNotFoundHandler(unknownRoute(parts));
  registerRoutes(server, parts, {
    ...versionsRoutes(parts),
    ...healthRoutes(parts),
    ...schemaRoutes(parts),
    ...imageRoutes(parts),
    ...tagRoutes(parts),
    ...imageDataRoutes(parts),
    ...imageTaskRoutes(parts),
    ...imageLocationRoutes(parts),
    ...imageReplicaRoutes(parts),
    ...imageActionRoutes(parts),
    ...memberRoutes(parts),
    ...metadefRoutes(parts),
    ...infoRoutes(parts),
    ...cacheRoutes(parts),
    ...importRoutes(parts),
    ...taskRoutes(parts),
    ...imageImportRoutes(parts),
    ...imageCloneRoutes(parts),
    ...imageExportRoutes(parts),
    ...eventRoutes(parts),
  });
  return server;
}

/** JSON whatever its Content-Type; image data is left in the stream. */
function readBodies(server: FastifyInstance, idleMs: number): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const { body } = request.routeOptions.config as { body?: string };
    if (body !== 'json') return undefined;
    request.acceptBody();
    return await readJson(payload, idleMs);
  });
  server.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request);
    server.server.emit('request', request, response);
  });
  // Expectations that nobody knows are ignored (RFC 9110 section 10.1.1 allows it).
  server.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    server.server.emit('request', request, response),
  );
  server.server.on('connect', (_request: IncomingMessage, socket: Duplex) => answerConnect(socket));
}

function prepareRequests(server: FastifyInstance): void {
  server.decorateRequest('caller');
  server.decorateRequest('acceptBody');
  server.decorateRequest('awaitsLeave');
  server.addHook('onRequest', async (request, reply) => {
    reply.header('X-Openstack-Request-Id', request.id);
    request.acceptBody = () => {
      if (waiting.delete(request.raw)) reply.raw.writeContinue();
    };
    request.awaitsLeave = () => waiting.has(request.raw);
    await inTurn(request.raw.socket, reply.raw);
    checkRequestId(request);
    checkFraming(request.raw);
  });
  server.addHook('onSend', async (request, reply) => {
    closeAfterBody(request.raw);
    // A client that was never told to send its body may or may not send it: only a new connection is certain.
    if (waiting.has(request.raw)) reply.header('Connection', 'close');
    // The framework closes on a refused body, and the reset would take the refusal with it.
    else if (reply.getHeader('connection') === 'close' && !reply.raw.hasHeader('connection'))
      reply.removeHeader('connection');
    // JSON has no charset parameter (RFC 8259); the framework adds one.
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8')
      reply.header('Content-Type', 'application/json');
  });
  server.addHook('onResponse', async (request) => dropUnreadBody(request.raw));
}
