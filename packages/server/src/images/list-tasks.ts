/** GET /v2/images/{id}/tasks: what was done to an image; other projects' work is not shown. */
import type { Caller } from '../identity/caller.ts';
import { actsAcrossProjects } from '../policy/enforcer.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type Task, tasksOfImage } from './task-records.ts';

export async function listImageTasks(
  parts: Pick<ImageParts, 'database'>,
  caller: Caller,
  id: string,
): Promise<Task[]> {
  const image = await findVisible(parts.database.db, caller, id);
  if (actsAcrossProjects(caller)) return await tasksOfImage(parts.database, image.id, undefined);
  if (caller.projectId === null) return [];
  return await tasksOfImage(parts.database, image.id, caller.projectId);
}
