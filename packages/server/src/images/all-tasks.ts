/** GET /v2/tasks and /v2/tasks/{id}: the work on all images, for those who may use the tasks API (API section 8). */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { oneOf, parameter, readPage } from '../metadefs/page-query.ts';
import { isImageId } from './image.ts';
import type { ImageParts } from './parts.ts';
import { withProgress } from './task-progress.ts';
import { findTask, selectTasks, type Task, taskSortKeys } from './task-records.ts';

type Parts = Pick<ImageParts, 'database' | 'policy' | 'settings'>;

export interface TaskPage {
  readonly tasks: readonly Task[];
  /** Marker of the next page, or null. */
  readonly next: string | null;
}

export async function listTasks(parts: Parts, caller: Caller, query: URLSearchParams): Promise<TaskPage> {
  const { database, policy, settings } = parts;
  policy.require('tasks_api_access', caller, {});
  policy.require('get_tasks', caller, {});
  const { limit, marker, sortKey, sortDirection } = readPage(query, taskSortKeys, {
    standard: settings.limitDefault,
    most: settings.limitMax,
  });
  const status = parameter(query, 'status');
  const type = parameter(query, 'type');
  const last = marker === null ? undefined : isImageId(marker) ? await findTask(database, marker) : undefined;
  if (marker !== null && last === undefined)
    throw new Failure('invalid_marker', `There is no task ${marker} to start after.`);
  const tasks = await selectTasks(database, {
    limit,
    after: last ?? null,
    sortKey,
    sortDirection,
    status: status === null ? null : oneOf('status', status, ['pending', 'processing', 'success', 'failure']),
    // Glance: no other type can be asked for.
    type: type === null ? null : oneOf('type', type, ['import']),
  });
  const next = tasks.length === limit && limit > 0 ? tasks.at(-1)!.id : null;
  return { tasks: await withProgress(database.db, tasks), next };
}

/** Fails with task_not_found. */
export async function showTask(parts: Parts, caller: Caller, id: string): Promise<Task> {
  parts.policy.require('tasks_api_access', caller, {});
  parts.policy.require('get_task', caller, {});
  const task = isImageId(id) ? await findTask(parts.database, id) : undefined;
  if (task === undefined) throw new Failure('task_not_found', `No task found with ID ${id.slice(0, 255)}`);
  const [shown] = await withProgress(parts.database.db, [task]);
  return shown!;
}
