/** A refused upload: the rest of its body is read and dropped for a while, so that the client reads the refusal. */
import type { IncomingMessage } from 'node:http';

/** Milliseconds; clients that send everything before they read get this long. */
const patienceMs = 60_000;

/**
 * Called before the answer is sent. A connection that is to end with it ends only after the body: closed
 * earlier, it would be reset by the bytes still coming, and the answer lost.
 */
export function closeAfterBody(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  const close = socket.destroySoon.bind(socket);
  socket.destroySoon = () => {
    if (request.complete || request.destroyed) close();
    else request.once('end', close);
  };
}

/** Called when the answer has been sent. A sender that goes on for too long loses its connection. */
export function dropUnreadBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.on('error', () => {});
  request.resume();
  const timer = setTimeout(() => request.destroy(), patienceMs).unref();
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
}
