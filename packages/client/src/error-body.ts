/** The sentence in an error answer, whoever wrote it: Tintype, other Image API servers, or a proxy before them. */

const longest = 600;

export interface ErrorDetails {
  /** One line, or null when the body says nothing. */
  readonly message: string | null;
  /** The server's code for the failure. */
  readonly reason: string | null;
}

const nothing: ErrorDetails = { message: null, reason: null };

/** Reads JSON (nested or flat), HTML and plain text. */
export function readErrorBody(contentType: string, body: string): ErrorDetails {
  const text = body.trim();
  if (text === '') return nothing;
  if (contentType.includes('json') || text.startsWith('{')) return readJson(text) ?? plain(text);
  if (contentType.includes('html') || text.startsWith('<')) return plain(withoutMarkup(text));
  return plain(text);
}

function plain(text: string): ErrorDetails {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line === '') return nothing;
  return { message: line.length > longest ? `${line.slice(0, longest)}…` : line, reason: null };
}

function readJson(text: string): ErrorDetails | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const candidates = [value, ...Object.values(value)];
  for (const candidate of candidates) {
    const message = member(candidate, 'message') ?? member(candidate, 'detail') ?? member(candidate, 'error');
    if (message !== null) return { ...plain(message), reason: member(candidate, 'reason') };
  }
  return nothing;
}

function member(value: unknown, name: string): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const found = (value as Record<string, unknown>)[name];
  return typeof found === 'string' && found !== '' ? found : null;
}

const entities: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#39': "'",
  nbsp: ' ',
};

function withoutMarkup(html: string): string {
  return html
    .replace(/<(title|script|style)\b[\s\S]*?<\/\1\s*>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole);
}
