/** The query string of a list, and the links to its pages. */
import type { FastifyRequest } from 'fastify';

export function queryOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : request.url.slice(at + 1));
}

/** `path` with the query as given, the marker replaced; repeated parameters stay. */
export function pageLink(path: string, query: URLSearchParams, marker: string | null): string {
  const pairs = [...query].filter(([name]) => name !== 'marker');
  if (marker !== null) pairs.push(['marker', marker]);
  const text = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  return text === '' ? path : `${path}?${text}`;
}
