/** Image data to the socket: each chunk is handed over before the next is read, so memory stays flat. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Log } from '../base/log.ts';
import type { Metrics } from './metrics.ts';

/** Milliseconds without progress after which a reader has gone. */
const idleMs = 300_000;

/** Resolves when the kernel has the chunk. */
function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Answers with `headers` and the chunks; resolves when all is sent or the client is gone. An error of the source
 * after the first byte cuts the connection: the length announced tells the client that data is missing.
 */
export async function sendChunks(
  reply: FastifyReply,
  status: number,
  headers: Record<string, string | number>,
  chunks: AsyncIterable<Uint8Array>,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): Promise<void> {
  const response = reply.raw;
  reply.hijack();
  const gone = () => response.destroy();
  response.socket?.setTimeout(idleMs, gone);
  try {
    response.writeHead(status, { ...(reply.getHeaders() as Record<string, string>), ...headers });
    for await (const chunk of chunks) {
      await write(response, chunk);
      metrics.bytesOut.inc(chunk.length);
    }
    response.end();
  } catch (err) {
    if (!response.destroyed) log.error({ err, requestId: reply.request.id }, 'a download was cut');
    response.destroy();
  } finally {
    response.socket?.removeListener('timeout', gone);
    response.socket?.setTimeout(0);
  }
}
