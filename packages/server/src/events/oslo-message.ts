/** An event in the form in which the reference's library for messages puts notifications: envelope 2.0. */
import type { Event, Payload } from './event.ts';

/** Glance: what went wrong with an upload is told as text, and of a task neither its message nor its image. */
function payloadOf({ type, priority, payload }: Event): Payload | string {
  if (priority === 'error') return String(payload.message);
  if (!type.startsWith('task.')) return payload;
  const { image_id: _image, ...fields } = payload;
  return { ...fields, message: null };
}

/** `publisherId`: such as image.host1. Told twice, it has the ids by which consumers drop the second one. */
export function osloMessage(event: Event, publisherId: string): string {
  const message = {
    message_id: event.id,
    publisher_id: publisherId,
    event_type: event.type,
    priority: event.priority.toUpperCase(),
    payload: payloadOf(event),
    timestamp: `${event.time.toISOString().slice(0, 23).replace('T', ' ')}000`,
    _unique_id: event.id.replaceAll('-', ''),
  };
  return JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) });
}
