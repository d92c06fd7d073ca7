/** Image data to the socket: each chunk is handed over before the next is read, so memory stays flat. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Log } from '../base/log.ts';
import type { Metrics } from './metrics.ts';

/** Milliseconds without progress after which a reader has gone. */
const idleMs = 300_000;

export type DataHeaders = Readonly<Record<string, string | number>> & { readonly 'Content-Length': number };

/** Resolves when the kernel has the chunk. */
function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Answers with `headers` and the chunks; resolves when all is sent or the client is gone. An error of the source
 * after the first byte cuts the connection: the length announced tells the client that data is missing. So does
 * data of another length than announced, which may happen to what is kept by others: what follows it on the
 * connection would be taken for something else. The source is closed however it ends.
 */
export async function sendChunks(
  reply: FastifyReply,
  status: number,
  headers: DataHeaders,
  chunks: AsyncIterableIterator<Uint8Array, undefined>,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): Promise<void> {
  const response = reply.raw;
  reply.hijack();
  const gone = () => response.destroy();
  response.socket?.setTimeout(idleMs, gone);
  let left = headers['Content-Length'];
  try {
    response.writeHead(status, { ...(reply.getHeaders() as Record<string, string>), ...headers });
    for await (const chunk of chunks) {
      left -= chunk.length;
      if (left < 0) throw new Error('The store has more bytes than are recorded.');
      await write(response, chunk);
      metrics.bytesOut.inc(chunk.length);
    }
    if (left > 0) throw new Error(`The store has ${left} bytes less than are recorded.`);
    response.end();
  } catch (err) {
    if (!response.destroyed) log.error({ err, requestId: reply.request.id }, 'a download was cut');
    response.destroy();
  } finally {
    response.socket?.removeListener('timeout', gone);
    response.socket?.setTimeout(0);
    // A loop that was never entered has closed nothing.
    await chunks.return?.().catch((err: unknown) => log.warn({ err }, 'a store did not close what was read'));
  }
}
