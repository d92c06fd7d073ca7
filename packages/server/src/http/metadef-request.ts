/** What requests on metadata definitions have in common: names in the path, bodies, Location. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Failure } from '../base/failure.ts';
import { isStorable } from '../base/text.ts';
import type { HttpParts } from './context.ts';
import { publicUrl } from './public-url.ts';
import { bodyReader } from './request-body.ts';

function pathName(request: FastifyRequest, name: 'namespace' | 'name'): string {
  const text = (request.params as Record<string, string>)[name]!;
  if (!isStorable(text)) throw new Failure('not_found', 'There is nothing under this path.');
  return text;
}

export function namespaceOf(request: FastifyRequest): string {
  return pathName(request, 'namespace');
}

/** Of the property, object, tag or resource type. */
export function nameOf(request: FastifyRequest): string {
  return pathName(request, 'name');
}

/** As `bodyReader`; names that only the server writes are read_only. */
export function metadefReader<T extends TSchema>(
  schema: T,
  readOnly: readonly string[],
): (body: unknown) => Static<T> {
  const read = bodyReader(schema);
  return (body) => {
    const given =
      typeof body === 'object' && body !== null ? readOnly.find((name) => name in body) : undefined;
    if (given !== undefined) throw new Failure('read_only', `Attribute '${given}' is read-only.`);
    return read(body);
  };
}

export const serverTimes = ['created_at', 'updated_at'];
export const serverTimesAndLinks = ['self', 'schema', ...serverTimes];

/** 201 with an absolute Location; `segments` stand below the namespaces. */
export function sendCreated(
  { settings }: HttpParts,
  request: FastifyRequest,
  reply: FastifyReply,
  segments: readonly string[],
  record: object,
): FastifyReply {
  const path = segments.map((segment) => encodeURIComponent(segment).replaceAll('%3A', ':')).join('/');
  const url = `${publicUrl(request, settings.publicEndpoint)}/v2/metadefs/namespaces/${path}`;
  return reply.code(201).header('Location', url).send(record);
}
