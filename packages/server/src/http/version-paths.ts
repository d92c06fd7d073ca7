/** Every version id routes to the same handlers, by path or by Accept (API section 1). */
import { routedVersions } from '@tintype/contract';

const known = new Set(routedVersions);
const accepted = /application\/vnd\.openstack\.images-(v2(?:\.\d+)?)\b/i;

/** `/v2.9/images` → `/v2/images`; anything else unchanged. */
export function withoutMinorVersion(url: string, accept: string | undefined): string {
  const segment = /^\/(v2\.\d+)(?=\/|\?|$)/.exec(url)?.[1];
  if (segment !== undefined) return known.has(segment) ? `/v2${url.slice(segment.length + 1)}` : url;
  const chosen = accepted.exec(accept ?? '')?.[1];
  const isVersioned = /^\/(v\d|versions|healthcheck|readyz|metrics|$)/.test(url) || url === '/';
  return chosen !== undefined && !isVersioned ? `/v2${url}` : url;
}
