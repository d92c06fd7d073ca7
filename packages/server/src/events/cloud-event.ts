/** An event in the JSON form of CloudEvents 1.0. */
import type { Event } from './event.ts';

export const cloudEventType = 'application/cloudevents+json';

/** `source`: a URI of this cloud's image service. */
export function cloudEvent(event: Event, source: string): object {
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type: event.type,
    ...(event.imageId === null ? {} : { subject: event.imageId }),
    time: event.time.toISOString(),
    datacontenttype: 'application/json',
    // Attributes of our own: CloudEvents allows lower case letters and digits.
    position: event.position,
    priority: event.priority,
    ...(event.project === null ? {} : { projectid: event.project }),
    data: event.payload,
  };
}
