/** Requests that a client sends without waiting for the answers before are taken one after the other (RFC 9112 section 9.3.2). */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Failure } from '../base/failure.ts';

/** By connection the answer to the latest request. */
const latest = new WeakMap<Socket, ServerResponse>();

/**
 * Resolves when the request before on this connection has been answered. Fails with upload_cut when the connection
 * ended with that answer: what a client sent behind it is not carried out (RFC 9112 section 9.6).
 */
export async function inTurn(socket: Socket, response: ServerResponse): Promise<void> {
  const before = latest.get(socket);
  latest.set(socket, response);
  if (before === undefined || before.closed) return;
  await new Promise<void>((resolve) => before.once('close', resolve));
  if (!socket.writable)
    throw new Failure('upload_cut', 'The connection ended before this request had its turn.');
}
