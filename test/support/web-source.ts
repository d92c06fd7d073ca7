/** A web server on loopback that behaves as a test says, and one way to serve bytes well. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface WebSource {
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  /** Paths and headers, in the order of their arrival. */
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** Of connections now open. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

export async function startWebSource(handle: RequestListener, tls?: ServerOptions): Promise<WebSource> {
  const requests: WebSource['requests'] = [];
  const listener: RequestListener = (request, response) => {
    requests.push({ path: request.url ?? '', headers: request.headers });
    response.on('error', () => undefined);
    handle(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    requests,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Served {
  readonly bytes: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cuts the connection after so many bytes of the answer's body. */
  readonly cutAfter?: number;
}

/** Answers as RFC 9110 says, with ranges when there is an `ETag` among the headers. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, headers = {}, cutAfter }: Served,
): void {
  const etag = headers.ETag;
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  if (asked === null || etag === undefined || !isSame) {
    response.writeHead(200, { 'Content-Length': bytes.length, ...headers });
    end(response, bytes, cutAfter);
    return;
  }
  const first = Number(asked[1]);
  if (first >= bytes.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
    return;
  }
  const last = Math.min(asked[2] === '' ? bytes.length - 1 : Number(asked[2]), bytes.length - 1);
  response.writeHead(206, {
    'Content-Length': last - first + 1,
    'Content-Range': `bytes ${first}-${last}/${bytes.length}`,
    ...headers,
  });
  end(response, bytes.subarray(first, last + 1), cutAfter);
}

function end(response: ServerResponse, bytes: Buffer, cutAfter: number | undefined): void {
  if (cutAfter === undefined || cutAfter >= bytes.length) response.end(bytes);
  else response.write(bytes.subarray(0, cutAfter), () => response.socket?.end());
}

/** Settings of exports under which they can be sent to such a server. */
export const loopbackPlaces = {
  allowedSchemes: ['http', 'https'] as ('http' | 'https')[],
  allowedPorts: [] as number[],
  allowedHosts: [] as string[],
  deniedHosts: [] as string[],
  allowPrivateAddresses: true,
};

/** Fetch settings under which such a server can be read from. */
export const loopbackRules = { ...loopbackPlaces, caFile: null };

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of source) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

/** What was sent with a request, answered with 201; null when it was cut. */
export async function take(request: IncomingMessage, response: ServerResponse): Promise<Buffer | null> {
  const body = await collect(request).catch(() => null);
  if (body !== null) response.writeHead(201).end();
  return body;
}
