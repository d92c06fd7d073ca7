/** /v2/metadefs and its schemas: the routes of metadata definitions together (API section 11). */
import type { HttpParts } from '../context.ts';
import type { Handlers } from '../register.ts';
import { metadefNamespaceRoutes } from './metadef-namespaces.ts';
import { metadefObjectRoutes } from './metadef-objects.ts';
import { metadefPropertyRoutes } from './metadef-properties.ts';
import { metadefResourceTypeRoutes } from './metadef-resource-types.ts';
import { metadefSchemaRoutes } from './metadef-schemas.ts';
import { metadefTagRoutes } from './metadef-tags.ts';

export function metadefRoutes(http: HttpParts): Handlers {
  return {
    ...metadefSchemaRoutes,
    ...metadefNamespaceRoutes(http),
    ...metadefPropertyRoutes(http),
    ...metadefObjectRoutes(http),
    ...metadefTagRoutes(http),
    ...metadefResourceTypeRoutes(http),
  };
}
