/** Path parameters of the routes below /v2/images. */
import type { FastifyRequest } from 'fastify';
import { Failure } from '../../base/failure.ts';

export function imageIdOf(request: FastifyRequest): string {
  return (request.params as { image_id: string }).image_id;
}

/** Fails with not_found when the path ends in a slash: that is another path. */
export function tagOf(request: FastifyRequest): string {
  const { tag } = request.params as { tag: string };
  if (tag === '') throw new Failure('not_found', 'There is nothing under this path.');
  return tag;
}
