/** The events of the cloud as this process sees them: gives what its own commits wrote a place, and says how far they go. */
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import type { Session } from '../database/session.ts';
import { eventHead, eventsPlaced, eventsWritten, placeEvents } from './event-records.ts';

export interface FeedParts {
  readonly database: Database;
  readonly session: Session;
  readonly log: Log;
}

/** Milliseconds from a commit to its events' places, and between two rounds of giving them. */
const gatherMs = 10;
const restMs = 50;
/** Milliseconds between looks for what nobody announced: events of processes that died or only ran a command. */
const lookEveryMs = 5_000;

export class EventFeed {
  readonly #parts: FeedParts;
  readonly #waiting = new Set<() => void>();
  readonly #leave: (() => void)[];
  /** Who listens through this process. */
  listeners = 0;
  #position: number;
  #timer: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  /** Whether a round is to come that has not begun, and whether one is under way. */
  #isPlanned = false;
  #isPlacing = false;
  #lastRound = 0;
  #stopped = false;

  constructor(parts: FeedParts, position: number) {
    this.#parts = parts;
    this.#position = position;
    const { database, session } = parts;
    this.#leave = [
      database.onCommit(eventsWritten, () => this.#plan()),
      session.on(eventsPlaced, (message) => this.#reach(Number(message.position))),
      session.onReconnect(() => this.#look()),
    ];
    this.#look();
  }

  /** Position of the last event that everybody can be told of. */
  get position(): number {
    return this.#position;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Resolves once there is an event after `position`, `ms` have passed, the feed has stopped or `signal` is aborted. */
  async beyond(position: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#position > position || this.#stopped || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, ms);
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(wake);
    signal.removeEventListener('abort', wake);
  }

  /** Whoever waits is told now; nothing further comes. */
  stop(): void {
    this.#stopped = true;
    this.#wakeAll();
  }

  /** After `stop`: waits for the round under way. */
  async close(): Promise<void> {
    this.stop();
    for (const leave of this.#leave) leave();
    clearTimeout(this.#timer);
    clearTimeout(this.#looking);
    await this.#round;
  }

  #reach(position: number): void {
    if (!(position > this.#position)) return;
    this.#position = position;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Commits that come one after the other share a round; those that come while one is under way share the next. */
  #plan(): void {
    if (this.#isPlanned || this.#stopped) return;
    this.#isPlanned = true;
    if (!this.#isPlacing) this.#wait();
  }

  #wait(): void {
    const wait = Math.max(gatherMs, this.#lastRound + restMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#round = this.#round.then(() => this.#place());
    }, wait);
  }

  async #place(): Promise<void> {
    this.#isPlanned = false;
    this.#isPlacing = true;
    try {
      await placeEvents(this.#parts.database);
    } catch (err) {
      this.#parts.log.warn({ err }, 'events wait for their place in the order');
    }
    this.#isPlacing = false;
    this.#lastRound = performance.now();
    if (this.#isPlanned && !this.#stopped) this.#wait();
  }

  #look(): void {
    clearTimeout(this.#looking);
    if (this.#stopped) return;
    this.#round = this.#round.then(async () => {
      const { database, log } = this.#parts;
      try {
        await placeEvents(database);
        this.#reach((await eventHead(database.db)).position);
      } catch (err) {
        log.warn({ err }, 'events cannot be looked for');
      }
      this.#looking = setTimeout(() => this.#look(), lookEveryMs).unref();
    });
  }
}

/** Knows the events that are there. */
export async function openFeed(parts: FeedParts): Promise<EventFeed> {
  const { position } = await eventHead(parts.database.db);
  return new EventFeed(parts, position);
}
