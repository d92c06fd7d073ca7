/** Forgets events that everybody had the time to be told of. */
import { currentTime } from '../database/clock.ts';
import { dueEvents, forgetEvents } from '../events/event-records.ts';
import { hourMs, type UpkeepJob } from './job.ts';

export const forgetOldEvents: UpkeepJob = {
  name: 'old-events',
  does: 'forgets events older than upkeep.eventHours, and the oldest when there are more than upkeep.eventCount',
  async run({ database, limits }, { dryRun, tell, signal }) {
    const now = currentTime().getTime();
    const ageMs = limits.eventHours === 0 ? now : limits.eventHours * hourMs;
    const most = limits.eventCount === 0 ? Number.MAX_SAFE_INTEGER : limits.eventCount;
    const due = { time: new Date(now - ageMs), most };
    for (let after = 0; ; ) {
      signal.throwIfAborted();
      const events = await dueEvents(database.db, due, after);
      const last = events.at(-1);
      if (last === undefined) return;
      if (!dryRun) await database.transaction((queries) => forgetEvents(queries, last.position));
      for (const { id } of events) tell(id);
      after = last.position;
    }
  },
};
