/** A proxy in front of a real store that spoils what passes, as networks and broken servers do. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What happens to one request and its answer. */
export interface Fault {
  /** Never answered; the request is not passed on. */
  readonly hang?: true;
  /** Answered with this status instead of being passed on. */
  readonly status?: number;
  /** Bytes of the answer's body after which the connection is cut. */
  readonly cutAfter?: number;
  /** Bytes of the answer's body after which nothing comes any more, for ever. */
  readonly silentAfter?: number;
  /** Bytes a second at which the bodies pass, either way. */
  readonly rate?: number;
  /** Headers of the answer that are told otherwise. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Passed on, but the answer is lost. */
  readonly loseAnswer?: true;
}

export type Judge = (request: IncomingMessage) => Fault | null;

export interface FaultyProxy {
  readonly url: string;
  /** Decides what happens to requests from now on; null: nothing. */
  judge: Judge | null;
  /** `METHOD path` of all that came. */
  readonly seen: string[];
  close(): Promise<void>;
}

const piece = 16 * 1024;

async function* paced(source: AsyncIterable<Buffer>, rate: number | undefined): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    if (rate === undefined) yield chunk;
    else
      for (let at = 0; at < chunk.length; at += piece) {
        await sleep((piece / rate) * 1000);
        yield chunk.subarray(at, at + piece);
      }
  }
}

async function copy(
  source: AsyncIterable<Buffer>,
  target: { write(chunk: Buffer, then: (error?: Error | null) => void): boolean },
  fault: Fault,
): Promise<'whole' | 'cut' | 'silent'> {
  let passed = 0;
  const limit = Math.min(
    fault.cutAfter ?? Number.POSITIVE_INFINITY,
    fault.silentAfter ?? Number.POSITIVE_INFINITY,
  );
  for await (const chunk of paced(source, fault.rate)) {
    const bytes = chunk.subarray(0, limit - passed);
    await new Promise<void>((resolve, reject) => {
      target.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    passed += bytes.length;
    if (passed === limit) return fault.cutAfter === limit ? 'cut' : 'silent';
  }
  return 'whole';
}

async function pass(target: URL, from: IncomingMessage, to: ServerResponse, fault: Fault): Promise<void> {
  if (fault.hang) return;
  if (fault.status !== undefined) {
    from.resume();
    to.writeHead(fault.status).end();
    return;
  }
  const onward = request({
    host: target.hostname,
    port: target.port,
    method: from.method,
    path: from.url,
    headers: from.headers,
    setHost: false,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    onward.on('response', resolve);
    onward.on('error', reject);
  });
  to.on('close', () => onward.destroy());
  answered.catch(() => {});
  await copy(from, onward, { rate: fault.rate });
  onward.end();
  const answer = await answered;
  if (fault.loseAnswer) {
    answer.resume();
    to.destroy();
    return;
  }
  to.writeHead(answer.statusCode!, { ...answer.headers, ...fault.headers });
  const end = await copy(answer, to, fault);
  if (end === 'whole') to.end();
  else if (end === 'cut') to.destroy();
}

/** On loopback, in front of the server at `url`. */
export async function startFaultyProxy(url: string): Promise<FaultyProxy> {
  const target = new URL(url);
  const seen: string[] = [];
  const proxy = { url: '', judge: null as Judge | null, seen };
  const server = createServer((from, to) => {
    seen.push(`${from.method} ${from.url}`);
    pass(target, from, to, proxy.judge?.(from) ?? {}).catch(() => to.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(proxy, {
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
