/** GET / and /versions: which versions this server speaks. */
import { announcedVersions, type VersionsDocument } from '@tintype/contract';
import type { FastifyRequest } from 'fastify';
import type { HttpParts, HttpSettings } from '../context.ts';
import { publicUrl } from '../public-url.ts';
import type { Handlers } from '../register.ts';

export function versionsDocument(request: FastifyRequest, settings: HttpSettings): VersionsDocument {
  const href = `${publicUrl(request, settings.publicEndpoint)}/v2/`;
  const versions = announcedVersions(settings.features).map((id, index) => ({
    id,
    status: index === 0 ? ('CURRENT' as const) : ('SUPPORTED' as const),
    links: [{ rel: 'self', href }],
  }));
  return { versions };
}

export function versionsRoutes({ settings }: HttpParts): Handlers {
  return {
    root: async (request, reply) => await reply.code(300).send(versionsDocument(request, settings)),
    versions: async (request, reply) => await reply.send(versionsDocument(request, settings)),
  };
}
