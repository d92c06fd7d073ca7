/** GET /v2/images/{id}/tasks: what was done to an image; other projects' work is not shown. */
import type { Caller } from '../identity/caller.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { withProgress } from './task-progress.ts';
import { type Task, tasksOfImage } from './task-records.ts';

export async function listImageTasks(
  { database, policy }: Pick<ImageParts, 'database' | 'policy'>,
  caller: Caller,
  id: string,
): Promise<Task[]> {
  const { image } = await findVisible(database.db, policy, caller, id);
  const isAdmin = policy.isAdmin(caller);
  if (!isAdmin && caller.projectId === null) return [];
  const tasks = await tasksOfImage(database, image.id, isAdmin ? undefined : caller.projectId);
  return await withProgress(database.db, tasks);
}
