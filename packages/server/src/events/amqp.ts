/** A receiver that is told through a message broker (AMQP 0-9-1), as the reference's notifications are. */
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { type ConfirmChannel, connect, type Options } from 'amqplib';
import { Failure } from '../base/failure.ts';
import { DeliveryError } from './delivery-error.ts';
import { osloMessage } from './oslo-message.ts';
import type { Receiver } from './teller.ts';

export interface AmqpOptions {
  readonly url: string;
  readonly passwordFile: string | null;
  readonly exchange: string;
  readonly durable: boolean;
  readonly topics: readonly string[];
  readonly publisherId: string;
  readonly disabled: readonly string[];
  readonly caFile: string | null;
}

/** A channel on which everything is declared. */
interface Opened {
  readonly channel: ConfirmChannel;
  /** Rejects when the broker is gone, or does not want us any more. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

const connectMs = 10_000;
const confirmMs = 30_000;
const heartbeatSeconds = 30;

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Failure('bad_request', `The ${what} of events.amqp cannot be read from ${file}.`, { cause });
  }
}

function placeOf({ url: text, passwordFile }: AmqpOptions): Options.Connect {
  if (!URL.canParse(text)) throw new Failure('bad_request', 'events.amqp.url is not a URL.');
  const url = new URL(text);
  return {
    protocol: url.protocol.slice(0, -1),
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (url.protocol === 'amqps:' ? 5671 : 5672)),
    username: decodeURIComponent(url.username) || 'guest',
    password: passwordFile === null ? decodeURIComponent(url.password) : read(passwordFile, 'password'),
    vhost: decodeURIComponent(url.pathname.slice(1)) || '/',
    heartbeat: heartbeatSeconds,
  };
}

/** As oslo's publishers do: a queue for each routing key, so that what is told before anybody consumes is kept. */
async function declare(channel: ConfirmChannel, { exchange, durable, topics }: AmqpOptions): Promise<void> {
  await channel.assertExchange(exchange, 'topic', { durable, autoDelete: false });
  for (const topic of topics)
    for (const priority of ['info', 'error']) {
      const queue = `${topic}.${priority}`;
      await channel.assertQueue(queue, { durable, autoDelete: false });
      await channel.bindQueue(queue, exchange, queue);
    }
}

async function open(options: AmqpOptions, place: Options.Connect, ca: string[]): Promise<Opened> {
  const connection = await connect(place, { timeout: connectMs, servername: place.hostname, ca });
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  connection.on('error', (error) => lost.reject(error));
  connection.on('close', () => lost.reject(new Error('the connection was closed')));
  const close = async () => await connection.close().catch(() => {});
  try {
    const channel = await connection.createConfirmChannel();
    channel.on('error', (error) => lost.reject(error));
    channel.on('close', () => lost.reject(new Error('the channel was closed')));
    await declare(channel, options);
    return { channel, lost: lost.promise, close };
  } catch (error) {
    await close();
    throw error;
  }
}

class AmqpReceiver implements Receiver {
  readonly id = 'amqp';
  readonly types = [];
  readonly disabled: readonly string[];
  readonly #options: AmqpOptions;
  readonly #place: Options.Connect;
  readonly #ca: string[];
  #opening: Promise<Opened> | null = null;

  constructor(options: AmqpOptions) {
    this.disabled = options.disabled;
    this.#options = options;
    this.#place = placeOf(options);
    const more = options.caFile === null ? [] : [read(options.caFile, 'caFile')];
    this.#ca = [...getCACertificates(), ...more];
  }

  async deliver(event: Parameters<Receiver['deliver']>[0], signal: AbortSignal): Promise<void> {
    try {
      const { channel, lost } = await this.#opened();
      const content = Buffer.from(osloMessage(event, this.#options.publisherId));
      const confirmed = this.#options.topics.map((topic) =>
        publish(channel, this.#options.exchange, `${topic}.${event.priority}`, content),
      );
      await Promise.race([Promise.all(confirmed), lost, ended(signal)]);
    } catch (cause) {
      const opening = this.#opening;
      this.#opening = null;
      opening?.then(({ close }) => close()).catch(() => {});
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new DeliveryError(`The message broker did not take it: ${why}`, true, { cause });
    }
  }

  async #opened(): Promise<Opened> {
    this.#opening ??= open(this.#options, this.#place, this.#ca);
    return await this.#opening;
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.close();
  }
}

/** Resolves once the broker has it. */
function publish(channel: ConfirmChannel, exchange: string, key: string, content: Buffer): Promise<void> {
  const options = { persistent: true, contentType: 'application/json', contentEncoding: 'utf-8' };
  return new Promise((resolve, reject) => {
    channel.publish(exchange, key, content, options, (error) => (error ? reject(error) : resolve()));
  });
}

/** Rejects when `signal` is aborted, or no confirmation comes for long. */
async function ended(signal: AbortSignal): Promise<never> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(confirmMs)]);
  return await new Promise((_, reject) => {
    if (late.aborted) reject(late.reason);
    late.addEventListener('abort', () => reject(late.reason), { once: true });
  });
}

/** Connects when there is something to tell. Fails with bad_request when the options cannot be used. */
export function openAmqp(options: AmqpOptions): Receiver {
  return new AmqpReceiver(options);
}
