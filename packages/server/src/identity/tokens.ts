/** Identity mode "tokens": tokens of our own, kept as digests in the database. */
import { Failure } from '../base/failure.ts';
import type { Database } from '../database/connect.ts';
import type { Session } from '../database/session.ts';
import { type Caller, createCaller } from './caller.ts';
import { headerText, type Identity } from './identity.ts';
import { findToken } from './token-records.ts';
import { matches, parseToken } from './token-text.ts';

/** Milliseconds a good token is remembered; a revocation is announced at once, this bounds a lost announcement. */
const rememberMs = 5000;
const rememberMost = 10_000;

/** Announced to every server process when a token is revoked. */
export const tokensChanged = 'tokens-changed';

interface Known {
  readonly caller: Caller;
  readonly until: number;
}

const refusal = () => new Failure('unauthenticated', 'The token is missing, unknown, expired or revoked.');

async function judge(database: Database, text: string, now: number): Promise<Known> {
  const parts = parseToken(text);
  const record = parts === null ? undefined : await findToken(database, parts.id);
  if (parts === null || record === undefined || !matches(parts.secret, record.digest)) throw refusal();
  const expiry = record.expires_at?.getTime() ?? Number.POSITIVE_INFINITY;
  if (record.revoked_at !== null || expiry <= now) throw refusal();
  const caller = createCaller({ userId: record.user_id, projectId: record.project_id, roles: record.roles });
  return { caller, until: Math.min(expiry, now + rememberMs) };
}

export function openTokens(database: Database, session: Session): Identity {
  const known = new Map<string, Known>();
  session.on(tokensChanged, () => known.clear());
  session.onReconnect(() => known.clear());
  return {
    mode: 'tokens',
    async authenticate(headers) {
      const text = headerText(headers, 'x-auth-token');
      if (text === undefined) throw refusal();
      const now = Date.now();
      const before = known.get(text);
      if (before !== undefined && now < before.until && before.until - now <= rememberMs)
        return before.caller;
      const fresh = await judge(database, text, now);
      if (known.size >= rememberMost) known.clear();
      known.set(text, fresh);
      return fresh.caller;
    },
    close: async () => known.clear(),
  };
}
