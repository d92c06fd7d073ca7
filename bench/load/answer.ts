/** A server that does nothing but answer: what HTTP costs on this machine before any image comes into it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Every answer has a body of `bytes`. Serves until it is killed. */
export async function answerAll(bytes: number): Promise<{ port: number }> {
  const body = 'x'.repeat(bytes);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': bytes };
  const server = createServer((_request, response) => response.writeHead(200, headers).end(body));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port };
}
