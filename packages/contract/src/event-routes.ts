/** The route of events, a part of the route table. */
import Type, { type Static } from 'typebox';
import type { Route } from './route.ts';

const optionalText = (description: string) => Type.Optional(Type.String({ description }));

/** The `data` of an event, as JSON on one line. */
export const EventRecord = Type.Object({
  id: Type.String({ description: 'unique: an event that is told twice is told with the same id' }),
  position: Type.Integer({ description: 'grows from event to event; the `id` of the stream' }),
  type: Type.String({ description: 'such as image.update' }),
  priority: Type.Enum(['info', 'error']),
  time: Type.String({ description: 'when it happened' }),
  project_id: Type.Union([Type.String(), Type.Null()]),
  image_id: Type.Union([Type.String(), Type.Null()]),
  payload: Type.Object({}, { additionalProperties: true, description: 'the fields of the notification' }),
});
export type EventRecord = Static<typeof EventRecord>;

const EventQuery = Type.Object({
  after: optionalText(
    'position of the last event that is known; Last-Event-ID wins; without it: what happens from now on',
  ),
  follow: optionalText('false: end when all there is has been told'),
  type: optionalText('repeatable or comma separated: types, or groups such as image and image.member'),
  image_id: optionalText('only events of this image'),
  all_projects: optionalText('true: events of all projects, for administrators'),
});

export const eventRoutes = {
  watchEvents: {
    method: 'GET',
    path: '/v2/events',
    summary: 'What happens to the images of the project, as Server-Sent Events',
    body: 'none',
    query: EventQuery,
    responses: { 200: 'events' },
    failures: ['invalid_query', 'forbidden'],
  },
} as const satisfies Record<string, Route>;
