/** Listening to events: over cuts, past signs of life, and to the end that was asked for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { ConnectionError, ImageApiError, ImageClient, type ImageEvent } from './index.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

/** A client of a server that answers the requests with these, the last one again and again. */
async function clientOf(...handlers: Handler[]): Promise<ImageClient> {
  const server = createServer((request, response) => {
    const handler = handlers.length > 1 ? handlers.shift()! : handlers[0]!;
    handler(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return new ImageClient({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function block(position: number, type = 'image.update'): string {
  const data = JSON.stringify({ position, type, payload: { name: 'ä' } });
  return `id: ${position}\nevent: ${type}\ndata: ${data}\n\n`;
}

const head = { 'Content-Type': 'text/event-stream' };

async function positions(events: AsyncIterable<ImageEvent>, most: number): Promise<number[]> {
  const found: number[] = [];
  for await (const { position } of events) {
    found.push(position);
    if (found.length === most) break;
  }
  return found;
}

test('after a cut, and while the server is away, it goes on where it was', async () => {
  const asked: (string | undefined)[] = [];
  const remember = (request: IncomingMessage) => asked.push(request.headers['last-event-id'] as string);
  const client = await clientOf(
    (request, response) => {
      remember(request);
      response.writeHead(200, head);
      // In pieces that end anywhere, a letter of two bytes among them.
      const bytes = Buffer.from(
        `retry: 1\n\n${block(1)}${block(2)}: nothing new\nid: 5\n\n${block(6).slice(0, 20)}`,
      );
      const cutAt = bytes.indexOf(0xa4);
      response.write(bytes.subarray(0, cutAt), () =>
        setImmediate(() => response.write(bytes.subarray(cutAt), () => response.destroy())),
      );
    },
    (request, response) => {
      remember(request);
      response.writeHead(503, { 'Content-Type': 'application/json' }).end('{}');
    },
    (request, response) => {
      remember(request);
      response.writeHead(200, head).end(block(6));
    },
    (request, response) => {
      remember(request);
      response.writeHead(200, head).write(block(7));
    },
  );
  assert.deepEqual(await positions(client.watchEvents(), 4), [1, 2, 6, 7]);
  assert.deepEqual(asked, [undefined, '5', '5', '6']);
});

test('what is missed is told, and what is asked for is sent', async () => {
  let url = '';
  const client = await clientOf((request, response) => {
    url = `${request.url} ${request.headers['last-event-id']}`;
    response.writeHead(200, head).end(`id: 9\nevent: missed\ndata: {"position":9}\n\n`);
  });
  const options = {
    after: 3,
    follow: false,
    types: ['image', 'task.failure'],
    imageId: 'x',
    allProjects: true,
  };
  const events: ImageEvent[] = [];
  for await (const event of client.watchEvents(options)) events.push(event);
  assert.deepEqual(events, [{ type: 'missed', position: 9 }]);
  assert.equal(url, '/v2/events?type=image&type=task.failure&follow=false&image_id=x&all_projects=true 3');
});

test('a refusal ends it at any time, a server that was never there at once', async () => {
  const refuse: Handler = (_request, response) =>
    response.writeHead(401, { 'Content-Type': 'application/json' }).end('{}');
  const client = await clientOf((_request, response) => response.writeHead(200, head).end(block(1)), refuse);
  const events = client.watchEvents();
  assert.equal((await events.next()).value?.position, 1);
  await assert.rejects(
    events.next(),
    (error: unknown) => error instanceof ImageApiError && error.status === 401,
  );
  const nobody = new ImageClient({ endpoint: 'http://127.0.0.1:1' });
  await assert.rejects(nobody.watchEvents().next(), ConnectionError);
});

test('an abort ends it with its reason', async () => {
  const client = await clientOf((_request, response) => response.writeHead(200, head).write(block(1)));
  const controller = new AbortController();
  const events = client.watchEvents({ signal: controller.signal });
  await events.next();
  const reason = new Error('enough');
  const next = events.next();
  controller.abort(reason);
  await assert.rejects(next, reason);
});
