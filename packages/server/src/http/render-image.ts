/** Records as they go over the wire (API sections 2 and 4). */
import type { ImageRecord, TaskRecord } from '@tintype/contract';
import { oncePer } from '../base/once-per.ts';
import { seconds } from '../base/time.ts';
import type { ShownImage } from '../images/shown.ts';
import type { Task } from '../images/task-records.ts';

/** ISO 8601 with microseconds and no zone. */
function microseconds(time: Date): string {
  return `${time.toISOString().slice(0, 23)}000`;
}

function renderImage(image: ShownImage): ImageRecord {
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

/**
 * JSON. Lists and records are full of images that were sent before: what is sent of one is kept as long as its image is, and
 * as bytes, since a page put together of strings would be encoded anew each time.
 */
export const imageBytes = oncePer((image: ShownImage) => Buffer.from(JSON.stringify(renderImage(image))));

const comma = Buffer.from(',');

/** A page of them; `rest` has the other members. */
export function imagePage(images: readonly ShownImage[], rest: Readonly<Record<string, string>>): Buffer {
  const parts = [Buffer.from('{"images":[')];
  for (const image of images) {
    if (parts.length > 1) parts.push(comma);
    parts.push(imageBytes(image));
  }
  parts.push(Buffer.from(`],${JSON.stringify(rest).slice(1)}`));
  return Buffer.concat(parts);
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
