/** Forgets tasks that ended long enough ago. */
import { expiredTasks, removeExpiredTasks } from '../images/task-records.ts';
import type { UpkeepJob } from './job.ts';

export const expireTasks: UpkeepJob = {
  name: 'expired-tasks',
  does: 'forgets tasks that ended more than two days ago',
  async run({ database }, { dryRun, tell }) {
    for (const id of await expiredTasks(database)) tell(id);
    if (!dryRun) await removeExpiredTasks(database);
  },
};
