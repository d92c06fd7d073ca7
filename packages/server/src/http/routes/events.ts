/** GET /v2/events: what happens, as Server-Sent Events. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../../base/failure.ts';
import { eventTypes, isNamed } from '../../events/event.ts';
import { isImageId } from '../../images/image.ts';
import { type WatchInput, watchEvents } from '../../images/watch-events.ts';
import type { HttpParts } from '../context.ts';
import { queryOf } from '../page-link.ts';
import { readFlag } from '../read-flag.ts';
import type { Handlers } from '../register.ts';
import { sendEvents } from '../send-events.ts';
import { textHeader } from '../upload-headers.ts';

/** Milliseconds between signs of life to a listener that nothing is told. */
const beatMs = 15_000;

/** Milliseconds after which a listener has to come back, and show that its token is still good. */
const listeningMs = 15 * 60_000;

function refuse(why: string): Failure {
  return new Failure('invalid_query', why);
}

function readPosition(name: string, text: string | null | undefined): number | null {
  if (text === null || text === undefined || text === '') return null;
  const position = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(position))
    throw refuse(`${name} is not the position of an event.`);
  return position;
}

function readTypes(query: URLSearchParams): string[] {
  const names = query.getAll('type').flatMap((text) => text.split(',').filter((name) => name !== ''));
  const unknown = names.find((name) => !eventTypes.some((type) => isNamed([name], type)));
  if (unknown !== undefined) throw refuse(`There are no events '${unknown.slice(0, 80)}'.`);
  return names;
}

/** A client that comes back says where it was in a header; it wins over what its URL has said all the time. */
function readWatch(request: FastifyRequest): WatchInput {
  const query = queryOf(request);
  const imageId = query.get('image_id');
  if (imageId !== null && !isImageId(imageId)) throw refuse('image_id is not the id of an image.');
  const last = readPosition('Last-Event-ID', textHeader(request.headers['last-event-id']));
  return {
    after: last ?? readPosition('after', query.get('after')),
    types: readTypes(query),
    imageId,
    allProjects: readFlag('all_projects', query.get('all_projects'), false),
    follow: readFlag('follow', query.get('follow'), true),
    beatMs,
  };
}

export function eventRoutes({ images, feed, settings, log }: HttpParts): Handlers {
  const parts = { ...images, feed };

  async function watch(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const input = readWatch(request);
    const leave = new AbortController();
    if (feed.listeners >= settings.maxListeners)
      throw new Failure('unavailable', 'This server has as many listeners to events as it may have.');
    feed.listeners += 1;
    const timer = setTimeout(() => leave.abort(), listeningMs).unref();
    try {
      await sendEvents(reply, await watchEvents(parts, request.caller, input, leave.signal), leave, log);
      return reply;
    } finally {
      clearTimeout(timer);
      feed.listeners -= 1;
    }
  }

  return { watchEvents: watch };
}
