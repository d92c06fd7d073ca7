/** GET /v2/images/{id}/tasks: what was done to an image; other projects' work is not shown. */
import type { Caller } from '../identity/caller.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type Task, tasksOfImage } from './task-records.ts';

export async function listImageTasks(
  parts: Pick<ImageParts, 'database' | 'policy'>,
  caller: Caller,
  id: string,
): Promise<Task[]> {
  const { image } = await findVisible(parts.database.db, parts.policy, caller, id);
  if (parts.policy.isAdmin(caller)) return await tasksOfImage(parts.database, image.id, undefined);
  if (caller.projectId === null) return [];
  return await tasksOfImage(parts.database, image.id, caller.projectId);
}
