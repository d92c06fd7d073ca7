/** A stream of events to the socket (Server-Sent Events): the next is read when the one before has been taken. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Log } from '../base/log.ts';
import type { Event } from '../events/event.ts';
import type { Told } from '../images/watch-events.ts';

/** Milliseconds without progress after which a listener has gone. */
const idleMs = 60_000;

/** Milliseconds after which a client that was cut off comes back. */
const retryMs = 2_000;

const eventHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // Proxies that gather answers would keep events to themselves.
  'X-Accel-Buffering': 'no',
};

function dataOf({ id, position, type, priority, project, imageId, time, payload }: Event): string {
  return JSON.stringify({
    id,
    position,
    type,
    priority,
    time: time.toISOString(),
    project_id: project,
    image_id: imageId,
    payload,
  });
}

/** JSON has no line ends, so one `data` line is enough. */
function blockOf({ position, event }: Told): string {
  if (event === null) return `: nothing new\nid: ${position}\n\n`;
  if (event === 'missed') return `id: ${position}\nevent: missed\ndata: {"position":${position}}\n\n`;
  return `id: ${position}\nevent: ${event.type}\ndata: ${dataOf(event)}\n\n`;
}

/** Rejects when the client has gone. */
function write(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Resolves when the events have ended or the client is gone, or takes nothing for a minute. */
export async function sendEvents(
  reply: FastifyReply,
  events: AsyncGenerator<Told, void, undefined>,
  leave: AbortController,
  log: Log,
): Promise<void> {
  const response = reply.raw;
  reply.hijack();
  const gone = () => response.destroy();
  response.once('close', () => leave.abort());
  response.socket?.setTimeout(idleMs, gone);
  try {
    response.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...eventHeaders });
    await write(response, `retry: ${retryMs}\n\n`);
    for await (const told of events) await write(response, blockOf(told));
    response.end();
  } catch (err) {
    if (!response.destroyed)
      log.warn({ err, requestId: reply.request.id }, 'a listener to events was cut off');
    // The client has gone, or the database has: either way it comes back and says where it was.
    response.destroy();
  } finally {
    leave.abort();
    response.socket?.removeListener('timeout', gone);
    response.socket?.setTimeout(0);
  }
}
