/** Which page of a list is asked for: limit, marker, sort_key, sort_dir (API section 11). */
import { Failure } from '../base/failure.ts';
import { isStorable } from '../base/text.ts';

export interface PageQuery<K extends string> {
  /** 0 asks for an empty page. */
  readonly limit: number;
  /** Name of the last one of the page before. */
  readonly marker: string | null;
  readonly sortKey: K;
  readonly sortDirection: 'asc' | 'desc';
}

export interface PageLimits {
  readonly standard: number;
  readonly most: number;
}

function refuse(why: string): Failure {
  return new Failure('invalid_query', why);
}

/** Of a repeated parameter the last one counts; null when there is none. */
export function parameter(query: URLSearchParams, name: string): string | null {
  const text = query.getAll(name).at(-1) ?? null;
  if (text !== null && !isStorable(text)) throw refuse(`Parameter '${name}' has a NUL character.`);
  return text;
}

/** Fails with invalid_query. */
export function oneOf<const T extends string>(name: string, text: string, known: readonly T[]): T {
  if (!known.includes(text as T)) throw refuse(`Parameter '${name}' is none of ${known.join(', ')}.`);
  return text as T;
}

/** Fails with invalid_query. */
export function readPage<K extends string>(
  query: URLSearchParams,
  sortKeys: readonly K[],
  limits: PageLimits,
): PageQuery<K> {
  const limit = parameter(query, 'limit') ?? String(limits.standard);
  if (!/^\d+$/.test(limit)) throw refuse("Parameter 'limit' is not a number of at least 0.");
  return {
    limit: Math.min(Number(limit), limits.most),
    marker: parameter(query, 'marker'),
    sortKey: oneOf('sort_key', parameter(query, 'sort_key') ?? 'created_at', [...sortKeys]),
    sortDirection: oneOf('sort_dir', parameter(query, 'sort_dir') ?? 'desc', ['asc', 'desc']),
  };
}
