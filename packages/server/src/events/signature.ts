/** Signatures by which a receiver knows that a request is ours and new, as Standard Webhooks has them. */
import { createHmac } from 'node:crypto';

export interface Signed {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly body: string;
}

/** `whsec_` and base64, else the text itself. */
export function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
}

/** `webhook-id`, `webhook-timestamp`, and `webhook-signature`: `v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`. */
export function signedHeaders(key: Buffer, { id, timestamp, body }: Signed): Record<string, string> {
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${digest}`,
  };
}
