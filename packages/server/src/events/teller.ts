/** Tells one receiver of events, as long as it is this process's turn: at least once, and each image's in their order. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import { DeliveryError } from './delivery-error.ts';
import { type Event, isNamed } from './event.ts';
import { eventsAfter } from './event-records.ts';
import type { EventFeed } from './feed.ts';
import type { EventFigures } from './figures.ts';
import {
  addReceiver,
  advanceReceiver,
  claimReceiver,
  countTroubles,
  dueTroubles,
  forgetTrouble,
  leaveReceiver,
  recordTrouble,
  type Trouble,
} from './receiver-records.ts';

/** Somebody outside who is told. */
export interface Receiver {
  readonly id: string;
  /** Of these types and groups; empty: all. */
  readonly types: readonly string[];
  /** Of none of these. */
  readonly disabled: readonly string[];
  /** Resolves when it has the event safe; fails when it may not have it. */
  deliver(event: Event, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface TellerParts {
  readonly database: Database;
  readonly feed: EventFeed;
  readonly figures: EventFigures;
  readonly log: Log;
}

export interface TellerLimits {
  /** Times that an event is tried. */
  readonly attempts: number;
  /** Milliseconds before the second time; each further one waits twice as long, up to `mostDelayMs`. */
  readonly delayMs: number;
  readonly mostDelayMs: number;
  /** Milliseconds between looks while nothing happens. */
  readonly restMs: number;
}

const usualLimits: TellerLimits = {
  attempts: 12,
  delayMs: 2_000,
  mostDelayMs: 3_600_000,
  restMs: 5_000,
};

/** Events in one go, and images told of at a time. */
const batch = 100;
const lanes = 8;
/** Milliseconds between attempts to reach a receiver that is away, at most, and between claims of a turn that goes on. */
const mostAwayMs = 60_000;
const claimEveryMs = 5_000;

/** Events in trouble after which the receiver is told of nothing new. */
const mostTroubles = 1_000;

export class Teller {
  readonly #parts: TellerParts;
  readonly #receiver: Receiver;
  readonly #limits: TellerLimits;
  readonly #id = randomUUID();
  readonly #closing = new AbortController();
  #claimed = 0;
  readonly #work: Promise<void>;

  constructor(parts: TellerParts, receiver: Receiver, limits: TellerLimits = usualLimits) {
    this.#parts = parts;
    this.#receiver = receiver;
    this.#limits = limits;
    this.#work = this.#run();
  }

  /** What is being delivered is given up: it is told again. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
    await this.#receiver.close();
  }

  async #run(): Promise<void> {
    const { database, feed, log } = this.#parts;
    const { signal } = this.#closing;
    const { id } = this.#receiver;
    let troubles = 0;
    while (!signal.aborted && !feed.stopped) {
      const { position } = feed;
      try {
        const isBusy = await this.#turn();
        troubles = 0;
        // There may be more to do.
        if (isBusy) continue;
      } catch (err) {
        if (signal.aborted) break;
        log.warn({ err, receiver: id }, 'a receiver of events cannot be told now');
        troubles += 1;
        await delay(this.#delayAfter(troubles, mostAwayMs), undefined, { signal }).catch(() => {});
        continue;
      }
      await feed.beyond(position, this.#limits.restMs, signal);
    }
    await leaveReceiver(database.db, id, this.#id).catch(() => {});
  }

  /** Whether it was this process's, and anything was done. */
  async #turn(): Promise<boolean> {
    const { database, feed } = this.#parts;
    const { id } = this.#receiver;
    await addReceiver(database.db, id);
    const mine = await claimReceiver(database.db, id, this.#id);
    if (mine === undefined) return false;
    this.#claimed = performance.now();
    const due = await dueTroubles(database.db, id, lanes);
    await Promise.all(due.map((trouble) => this.#again(trouble)));
    const { count, images } = await countTroubles(database.db, id);
    if (count >= mostTroubles) return due.length > 0;
    const scope = { after: mine.position, upTo: feed.position, most: batch };
    const events = await eventsAfter(database.db, scope);
    if (events.length > 0) await this.#tellAll(events, new Set(images));
    return due.length + events.length > 0;
  }

  #isWanted({ type }: Event): boolean {
    const { types, disabled } = this.#receiver;
    return (types.length === 0 || isNamed(types, type)) && !isNamed(disabled, type);
  }

  /** Images side by side, the events of each one after the other; behind one that fails the others of its image wait. */
  async #tellAll(events: readonly Event[], waiting: Set<string>): Promise<void> {
    const wanted = events.filter((event) => this.#isWanted(event));
    const left = new Set(wanted.map(({ position }) => position));
    const queues = [...Map.groupBy(wanted, ({ imageId, id }) => imageId ?? id).values()];
    const lane = async () => {
      for (let queue = queues.shift(); queue !== undefined; queue = queues.shift())
        for (const event of queue) {
          const isBehind = event.imageId !== null && waiting.has(event.imageId);
          if (isBehind) await this.#record(event, 0, 0);
          else if (!(await this.#deliver(event, 0)) && event.imageId !== null) waiting.add(event.imageId);
          left.delete(event.position);
        }
    };
    const lanesDone = await Promise.allSettled(Array.from({ length: lanes }, lane));
    // What was cut short is told again from its first event that nobody has seen to.
    const [first] = left;
    const position = first === undefined ? events.at(-1)!.position : first - 1;
    await this.#parts.database.transaction((queries) =>
      advanceReceiver(queries, this.#receiver.id, this.#id, position),
    );
    for (const one of lanesDone) if (one.status === 'rejected') throw one.reason;
  }

  async #again({ event, ...trouble }: Trouble & { readonly event: Event | null }): Promise<void> {
    const delivered =
      event !== null && this.#isWanted(event) ? await this.#deliver(event, trouble.attempts) : true;
    if (!delivered) return;
    if (event === null) this.#giveUp(trouble, 'it is no longer kept');
    await this.#parts.database.transaction((queries) =>
      forgetTrouble(queries, this.#receiver.id, this.#id, trouble.position),
    );
  }

  /** False when it is to be tried again. */
  async #deliver(event: Event, attempts: number): Promise<boolean> {
    const { figures, log } = this.#parts;
    const { id } = this.#receiver;
    await this.#keepTurn();
    try {
      await this.#receiver.deliver(event, this.#closing.signal);
      figures.count(id, 'delivered');
      return true;
    } catch (err) {
      this.#closing.signal.throwIfAborted();
      if (err instanceof DeliveryError && err.isAway) throw err;
      const tried = attempts + 1;
      figures.count(id, 'failed');
      log.warn({ err, receiver: id, event: event.id, attempt: tried }, 'an event could not be delivered');
      if (tried >= this.#limits.attempts) {
        this.#giveUp(event, `${tried} attempts have failed`);
        return true;
      }
      await this.#record(event, tried, this.#delayAfter(tried));
      return false;
    }
  }

  /** Deliveries take their time, and the turn must not run out meanwhile. */
  async #keepTurn(): Promise<void> {
    this.#closing.signal.throwIfAborted();
    if (performance.now() - this.#claimed < claimEveryMs) return;
    const mine = await claimReceiver(this.#parts.database.db, this.#receiver.id, this.#id);
    if (mine === undefined)
      throw new Failure('interrupted', `Another process tells ${this.#receiver.id} of events now.`);
    this.#claimed = performance.now();
  }

  #delayAfter(attempts: number, most = this.#limits.mostDelayMs): number {
    const delayMs = this.#limits.delayMs * 2 ** Math.min(attempts - 1, 20);
    return Math.min(delayMs, most) * (0.75 + Math.random() / 2);
  }

  async #record({ position, imageId }: Event, attempts: number, delayMs: number): Promise<void> {
    await this.#parts.database.transaction((queries) =>
      recordTrouble(queries, this.#receiver.id, this.#id, { position, attempts, imageId }, delayMs),
    );
  }

  #giveUp({ position }: Pick<Event, 'position'>, why: string): void {
    const { id } = this.#receiver;
    this.#parts.figures.count(id, 'dead');
    this.#parts.log.error(
      { receiver: id, position, why },
      'an event is given up: its receiver will not be told',
    );
  }
}
