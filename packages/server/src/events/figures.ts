/** What telling receivers of events has come to in this process, counted since it started. */
import type { Database } from '../database/connect.ts';
import { eventHead } from './event-records.ts';
import { receiverStates } from './receiver-records.ts';

export type Outcome = 'delivered' | 'failed' | 'dead';

export class EventFigures {
  readonly outcomes = new Map<string, Record<Outcome, number>>();

  count(receiver: string, outcome: Outcome): void {
    const known = this.outcomes.get(receiver) ?? { delivered: 0, failed: 0, dead: 0 };
    this.outcomes.set(receiver, { ...known, [outcome]: known[outcome] + 1 });
  }
}

/** Receiver → events that it is still to be told of; those of `ids` that are on record. */
export async function eventsWaiting(
  database: Database,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const { position } = await eventHead(database.db);
  const states = (await receiverStates(database.db)).filter(({ id }) => ids.includes(id));
  return new Map(states.map((state) => [state.id, position - state.position + state.troubles]));
}
