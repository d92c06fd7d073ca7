/** Browsers of configured origins may call the API (API section 1). */
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

const methods = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'];
const allowedHeaders = [
  'Accept-Encoding',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'Last-Event-ID',
  'Range',
  'X-Auth-Token',
  'X-Image-Meta-Store',
  'X-OpenStack-Image-Size',
  'X-OpenStack-Request-ID',
  'X-Openstack-Append',
  'X-Tintype-Expected-Digest',
];
const exposedHeaders = [
  'Content-MD5',
  'Content-Range',
  'ETag',
  'Location',
  'OpenStack-image-import-methods',
  'OpenStack-image-store-ids',
  'X-OpenStack-Request-ID',
];

/** No origin configured: no CORS header at all. */
export function allowOrigins(server: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  server.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods,
    allowedHeaders,
    exposedHeaders,
    maxAge: 600,
    strictPreflight: false,
  });
}
