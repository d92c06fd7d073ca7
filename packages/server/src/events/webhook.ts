/** A receiver that is told by HTTP: one signed request an event. */
import { readFileSync } from 'node:fs';
import { Failure } from '../base/failure.ts';
import { SourceStatus } from '../base/fetch/failures.ts';
import { Fetcher, type FetchLimits } from '../base/fetch/fetcher.ts';
import { cloudEvent, cloudEventType } from './cloud-event.ts';
import { DeliveryError } from './delivery-error.ts';
import { keyOf, signedHeaders } from './signature.ts';
import type { Receiver } from './teller.ts';

export interface WebhookOptions {
  readonly id: string;
  readonly url: string;
  /** File with the secret that the receiver knows, too. */
  readonly secretFile: string;
  readonly types: readonly string[];
  readonly allowPrivateAddresses: boolean;
  readonly caFile: string | null;
}

/** Milliseconds until an answer is late. */
const limits: Partial<FetchLimits> = { connectMs: 5_000, answerMs: 15_000, redirects: 0 };

/** Fewer characters could be guessed. */
const shortestSecret = 24;

function readSecret({ id, secretFile }: WebhookOptions): Buffer {
  let text: string;
  try {
    text = readFileSync(secretFile, 'utf8').trim();
  } catch (cause) {
    throw new Failure('bad_request', `The secret of webhook ${id} cannot be read from ${secretFile}.`, {
      cause,
    });
  }
  if (text.length < shortestSecret)
    throw new Failure(
      'bad_request',
      `The secret of webhook ${id} has less than ${shortestSecret} characters.`,
    );
  return keyOf(text);
}

/** In words that have nothing of the URL in them. */
function explained(cause: unknown): unknown {
  if (!(cause instanceof Failure)) return cause;
  const { cause: reason, code } = cause;
  if (reason instanceof SourceStatus)
    return new DeliveryError(`It answered with status ${reason.status}.`, false);
  return new DeliveryError(`It cannot be told (${code}).`, code === 'source_unreachable', { cause: reason });
}

/** `source`: what CloudEvents say of where they come from. Fails with bad_request when the options cannot be used. */
export function openWebhook(options: WebhookOptions, source: string): Receiver {
  const { id, url, types, allowPrivateAddresses, caFile } = options;
  const rules = { allowedSchemes: ['http', 'https'], allowedPorts: [], allowedHosts: [], deniedHosts: [] };
  const fetcher = new Fetcher({ ...rules, allowPrivateAddresses, caFile }, limits);
  const key = readSecret(options);
  fetcher.check(url);
  return {
    id: `webhook:${id}`,
    types,
    disabled: [],
    async deliver(event, signal) {
      const body = JSON.stringify(cloudEvent(event, source));
      const timestamp = Math.floor(Date.now() / 1000);
      const headers = {
        'Content-Type': cloudEventType,
        ...signedHeaders(key, { id: event.id, timestamp, body }),
      };
      try {
        await fetcher.post(url, { headers, body, signal });
      } catch (cause) {
        throw explained(cause);
      }
    },
    async close() {},
  };
}
