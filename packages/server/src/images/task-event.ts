/** What others are told of a task: the fields are those of the reference's notifications, and the message. */
import { seconds } from '../base/time.ts';
import { currentTime } from '../database/clock.ts';
import type { EventType, NewEvent } from '../events/event.ts';

interface ToldTask {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly owner: string | null;
  readonly image_id: string;
  readonly message: string;
  readonly expires_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Uploads and images given up are no tasks to the reference: their images' events tell of them. */
const untold: ReadonlySet<string> = new Set(['upload', 'fail', 'expire']);

/** Of what is in `tasks` that others are told of. What went in is left out: it may be secret. */
export function taskEvents(
  types: readonly (EventType & `task.${string}`)[],
  tasks: readonly ToldTask[],
): NewEvent[] {
  return tasks
    .filter(({ type }) => !untold.has(type))
    .flatMap((task) => types.map((type) => taskEvent(type, task)));
}

function taskEvent(type: EventType, task: ToldTask): NewEvent {
  const isDeleted = type === 'task.delete';
  const payload = {
    id: task.id,
    type: task.type,
    status: task.status,
    result: null,
    owner: task.owner,
    image_id: task.image_id,
    message: task.message,
    expires_at: task.expires_at === null ? null : seconds(task.expires_at),
    created_at: seconds(task.created_at),
    updated_at: seconds(task.updated_at),
    deleted: isDeleted,
    deleted_at: isDeleted ? seconds(currentTime()) : null,
  };
  return { type, priority: 'info', project: task.owner, imageId: task.image_id, payload };
}
