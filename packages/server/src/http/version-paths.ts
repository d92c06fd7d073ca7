/** Every version id routes to the same handlers, by path or by Accept (API section 1). */
import { routedVersions } from '@tintype/contract';

const known = new Set(routedVersions);
const accepted = /application\/vnd\.openstack\.images-(v2(?:\.\d+)?)\b/i;

/** `/v2.9/images` → `/v2/images`, `http://host/…` → `/…`; anything else unchanged. */
export function withoutMinorVersion(target: string, accept: string | undefined): string {
  const url = pathOf(target);
  const segment = /^\/(v2\.\d+)(?=\/|\?|$)/.exec(url)?.[1];
  if (segment !== undefined) return known.has(segment) ? `/v2${url.slice(segment.length + 1)}` : url;
  const chosen = accepted.exec(accept ?? '')?.[1]?.toLowerCase();
  const isVersioned = /^\/(v\d|versions|healthcheck|readyz|metrics|$)/.test(url) || url === '/';
  const isChosen = chosen === 'v2' || (chosen !== undefined && known.has(chosen));
  return isChosen && !isVersioned ? `/v2${url}` : url;
}

/** Clients may name the host in the request line, as to a proxy (RFC 9112 section 3.2.2). */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return path === '' || path.startsWith('?') ? `/${path}` : path;
}

/**
 * The same target, or in place of one whose path is no percent-encoded UTF-8 one that names nothing either: the
 * framework would answer by itself, without looking who asks and without the headers that every answer has.
 */
export function routablePath(target: string): string {
  if (!target.includes('%')) return target;
  try {
    decodeURI(/^[^?#]*/.exec(target)![0]);
    return target;
  } catch {
    return target.startsWith('/v2/') ? '/v2/%25' : '/versions/%25';
  }
}
