/** Who is told of events by this server: webhooks and a message broker. */
import { hostname } from 'node:os';
import type { Log } from './base/log.ts';
import type { Config } from './config/schema.ts';
import type { Database } from './database/connect.ts';
import { openAmqp } from './events/amqp.ts';
import type { EventFeed } from './events/feed.ts';
import { EventFigures, eventsWaiting } from './events/figures.ts';
import { type Receiver, Teller } from './events/teller.ts';
import { openWebhook } from './events/webhook.ts';
import type { EventSources } from './http/event-metrics.ts';

/** CloudEvents of a server that does not know its address. */
const namelessSource = 'tintype';

function receiversOf({ events, publicEndpoint }: Config): Receiver[] {
  const receivers = events.webhooks.map((webhook) => openWebhook(webhook, publicEndpoint ?? namelessSource));
  if (events.amqp === null) return receivers;
  const publisherId = events.amqp.publisherId ?? `image.${hostname()}`;
  return [...receivers, openAmqp({ ...events.amqp, publisherId })];
}

interface EventParts {
  readonly database: Database;
  readonly feed: EventFeed;
  readonly log: Log;
}

export interface OpenEvents {
  readonly sources: EventSources;
  /** A second call is the same as the first. */
  close(): Promise<void>;
}

/** Each receiver is told by one of all the workers there are. Fails with bad_request or address_blocked. */
export function openEvents(config: Config, parts: EventParts, isWorker: boolean): OpenEvents {
  const { database, feed } = parts;
  const figures = new EventFigures();
  const receivers = isWorker ? receiversOf(config) : [];
  const ids = receivers.map(({ id }) => id);
  const tellers = receivers.map((receiver) => new Teller({ ...parts, figures }, receiver));
  let closing: Promise<unknown> | undefined;
  return {
    sources: {
      position: () => feed.position,
      listeners: () => feed.listeners,
      waiting: () => eventsWaiting(database, ids),
      figures,
    },
    async close() {
      closing ??= Promise.all(tellers.map((teller) => teller.close()));
      await closing;
    },
  };
}
