/** The figures of events: how far everybody is, and what telling them has come to. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { EventFigures } from '../events/figures.ts';

/** Read when the figures are asked for. */
export interface EventSources {
  readonly position: () => number;
  readonly listeners: () => number;
  /** Receiver → events that it is still to be told of, in the whole cloud. */
  readonly waiting: () => Promise<ReadonlyMap<string, number>>;
  readonly figures: EventFigures;
}

export function countEvents(sources: EventSources, registers: Registry[]): void {
  new Gauge({
    name: 'tintype_events_position',
    help: 'Position of the last event: how many there have been',
    registers,
    collect() {
      this.set(sources.position());
    },
  });
  new Gauge({
    name: 'tintype_events_listeners',
    help: 'Clients that listen to the events of this process',
    registers,
    collect() {
      this.set(sources.listeners());
    },
  });
  new Gauge({
    name: 'tintype_events_waiting',
    help: 'Events that a receiver is still to be told of, in the whole cloud',
    labelNames: ['receiver'],
    registers,
    async collect() {
      this.reset();
      const waiting = await sources.waiting().catch(() => new Map<string, number>());
      for (const [receiver, count] of waiting) this.set({ receiver }, count);
    },
  });
  new Counter({
    name: 'tintype_events_told_total',
    help: 'Attempts of this process to tell receivers of events: delivered, failed, and dead for those given up',
    labelNames: ['receiver', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const [receiver, outcomes] of sources.figures.outcomes)
        for (const [outcome, count] of Object.entries(outcomes)) this.inc({ receiver, outcome }, count);
    },
  });
}
