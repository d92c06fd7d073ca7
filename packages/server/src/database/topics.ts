/** Messages between server processes: JSON over one PostgreSQL channel. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import { executePrepared } from './prepared.ts';
import type { Tables } from './tables.ts';

export const channel = 'tintype';
/** PostgreSQL refuses payloads of 8000 bytes and more. */
const longestPayload = 7_999;

/** Plain JSON, without `topic`: that is added. */
export type Payload = Readonly<Record<string, unknown>>;
export type Message = Payload & { readonly topic: string };
export type Subscriber = (message: Message) => void;

/** The text to send. Fails with internal when it is too long. */
export function encodeMessage(topic: string, payload: Payload): string {
  const text = JSON.stringify({ ...payload, topic });
  if (Buffer.byteLength(text) > longestPayload) {
    throw new Failure('internal', `A message on the topic ${topic} is longer than ${longestPayload} bytes.`);
  }
  return text;
}

/** Tells every process, this one too, once `trx` commits; nobody if it does not. */
export async function notifyIn(
  trx: Transaction<Tables> | Kysely<Tables>,
  topic: string,
  payload: Payload = {},
): Promise<void> {
  await executePrepared(trx, sql`SELECT pg_notify(${channel}, ${encodeMessage(topic, payload)})`);
}

/** Who listens to what in this process. */
export class Subscriptions {
  readonly #byTopic = new Map<string, Set<Subscriber>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Resolves to the way out. */
  add(topic: string, subscriber: Subscriber): () => void {
    const subscribers = this.#byTopic.get(topic) ?? new Set();
    this.#byTopic.set(topic, subscribers);
    subscribers.add(subscriber);
    return () => subscribers.delete(subscriber);
  }

  /** Hands a message over; one subscriber's error does not keep it from the next. */
  deliver(text: string): void {
    let message: Message;
    try {
      message = JSON.parse(text);
    } catch (err) {
      this.#log.warn({ err }, 'a message from another process is not JSON');
      return;
    }
    for (const subscriber of [...(this.#byTopic.get(message.topic) ?? [])]) {
      try {
        subscriber(message);
      } catch (err) {
        this.#log.error({ err, topic: message.topic }, 'a subscriber failed');
      }
    }
  }
}
