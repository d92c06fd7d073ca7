/** The text of a token: `tt_<id>_<secret>`; only a digest of the secret is ever stored. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const form = /^tt_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export interface NewToken {
  readonly id: string;
  readonly token: string;
  readonly digest: Buffer;
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

export function newToken(): NewToken {
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { id, token: `tt_${id}_${secret}`, digest: digestOf(secret) };
}

/** Id and secret of a token, or null for anything else. */
export function parseToken(text: string): { id: string; secret: string } | null {
  const match = form.exec(text);
  return match === null ? null : { id: match[1]!, secret: match[2]! };
}

/** Takes the same time wherever the two differ. */
export function matches(secret: string, digest: Uint8Array): boolean {
  const own = digestOf(secret);
  return own.length === digest.length && timingSafeEqual(own, digest);
}
