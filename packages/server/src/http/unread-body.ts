/** A refused upload: the rest of its body is read and dropped for a while, so that the client reads the refusal. */
import type { IncomingMessage } from 'node:http';

/** Milliseconds; clients that send everything before they read get this long. */
const patienceMs = 60_000;

/** Called when the answer has been sent. A sender that goes on for too long loses its connection. */
export function dropUnreadBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.on('error', () => {});
  request.resume();
  const timer = setTimeout(() => request.destroy(), patienceMs).unref();
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
}
