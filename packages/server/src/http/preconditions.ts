/** ETag conditions (RFC 9110 section 13). */

function tagsOf(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

/** If-Match compares strongly: a weak tag never matches. True when there is no such header. */
export function ifMatchHolds(header: string | undefined, etag: string): boolean {
  if (header === undefined || header.trim() === '*') return true;
  return tagsOf(header).includes(etag);
}

/** Whether If-None-Match says that the client has this already; compares weakly. */
export function ifNoneMatchHas(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return tagsOf(header).some((tag) => tag.replace(/^W\//, '') === etag);
}

/** Whether a Range may be served: no If-Range, or exactly this ETag in it. */
export function ifRangeHolds(header: string | undefined, etag: string): boolean {
  return header === undefined || header.trim() === etag;
}
