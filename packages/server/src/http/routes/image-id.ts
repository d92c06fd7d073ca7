/** Path parameters of the routes below /v2/images. */
import type { FastifyRequest } from 'fastify';

export function imageIdOf(request: FastifyRequest): string {
  return (request.params as { image_id: string }).image_id;
}

export function tagOf(request: FastifyRequest): string {
  return (request.params as { tag: string }).tag;
}
