/** Records as they go over the wire (API sections 2 and 4). */
import type { ImageRecord, TaskRecord } from '@tintype/contract';
import type { ShownImage } from '../images/shown.ts';
import type { Task } from '../images/task-records.ts';

/** `YYYY-MM-DDTHH:MM:SSZ`. */
export function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** ISO 8601 with microseconds and no zone. */
function microseconds(time: Date): string {
  return `${time.toISOString().slice(0, 23)}000`;
}

export function renderImage(image: ShownImage): ImageRecord {
  const { properties, created_at, updated_at, ...base } = image;
  return {
    ...properties,
    ...base,
    created_at: seconds(created_at),
    updated_at: seconds(updated_at),
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
  };
}

export function renderTask(task: Task): TaskRecord {
  return {
    ...task,
    expires_at: task.expires_at === null ? null : microseconds(task.expires_at),
    created_at: microseconds(task.created_at),
    updated_at: microseconds(task.updated_at),
    deleted: false,
    deleted_at: null,
  };
}
