/** What stands between a server and another one, and is not always faithful: a part of the network, as tests have it. */
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Detour {
  /** Of the request's body, after which both connections end. */
  readonly cutAfter?: number;
  /** The answer is lost once the server has given it. */
  readonly loseAnswer?: true;
  /** The answer's body as it goes on. */
  readonly rewrite?: (text: string) => string;
}

/** Passes the request on to the server at `url`, and its answer back. */
export function forward(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
  { cutAfter, loseAnswer, rewrite }: Detour = {},
): void {
  const { method, headers } = request;
  const { host: _host, connection: _connection, ...rest } = headers;
  const passed = ask(`${url}${request.url}`, { method, headers: rest, agent: false }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('end', () => {
      if (loseAnswer) return response.socket?.destroy();
      const body = Buffer.concat(chunks);
      const { 'content-length': _length, connection: _old, ...given } = answer.headers;
      response.writeHead(answer.statusCode!, given);
      response.end(rewrite === undefined ? body : rewrite(body.toString()));
    });
  });
  passed.on('error', () => response.socket?.destroy());
  let left = cutAfter ?? Number.POSITIVE_INFINITY;
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left > 0) return passed.write(chunk);
    passed.destroy();
    response.socket?.destroy();
  });
  request.on('end', () => passed.end());
  request.on('close', () => {
    if (!request.complete) passed.destroy();
  });
}
