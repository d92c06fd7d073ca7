/** Redirects, followed by hand: each is judged as if it had been asked for, and takes no credentials elsewhere. */
import { unescape as decoded } from 'node:querystring';
import { type Answer, type AskParts, ask, type Target } from './ask.ts';
import { downgrades, redirectsTooOften } from './failures.ts';
import { checkRules, parseUrl } from './source-url.ts';

export interface FollowParts extends AskParts {
  /** Redirects after which a source is given up. */
  readonly redirects: number;
  /** Whether https may redirect to http. */
  readonly allowDowngrade: boolean;
}

const redirects = new Set([301, 302, 303, 307, 308]);

/** The first target of a URL: user and password in it become basic authentication. */
export function targetOf(text: string, headers: Readonly<Record<string, string>> = {}): Target {
  const given = parseUrl(text);
  const url = new URL(given);
  url.username = '';
  url.password = '';
  url.hash = '';
  if (given.username === '' && given.password === '') return { url, headers };
  return { url, headers: { ...headers, Authorization: basic(given) } };
}

/** The answer at the end of the redirects, whatever its status. Fails as `ask` does, or with source_refused. */
export async function follow(
  parts: FollowParts,
  start: Target,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  let target = start;
  for (let count = 0; count <= parts.redirects; count += 1) {
    checkRules(target.url, parts.rules);
    const answer = await ask(parts, target, headers, signal);
    const { location } = answer.headers;
    if (!redirects.has(answer.status) || location === undefined) return answer;
    answer.close();
    target = nextTarget(target, location);
    if (!parts.allowDowngrade && isDowngrade(answer.target.url, target.url))
      throw downgrades(answer.target.url);
  }
  throw redirectsTooOften(start.url, parts.redirects);
}

function nextTarget({ url, headers }: Target, location: string): Target {
  const isRelative = !URL.canParse(location) && URL.canParse(location, url.href);
  const next = targetOf(isRelative ? new URL(location, url).href : location);
  return next.url.origin === url.origin ? { ...next, headers: { ...headers, ...next.headers } } : next;
}

function isDowngrade(from: URL, to: URL): boolean {
  return from.protocol === 'https:' && to.protocol === 'http:';
}

function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}
