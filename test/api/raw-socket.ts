/** Bytes over a bare socket, for requests that no HTTP client sends. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Role, Target } from '../support/target.ts';

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Milliseconds that an answer may take: longer is a hang. */
const patienceMs = 10_000;

export async function open(target: Target): Promise<Socket> {
  const { hostname, port } = new URL(target.url);
  // The server's end of the connection does not end ours.
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Everything that arrives until `isWhole` or the server ends the connection. */
function receive(socket: Socket, isWhole: (received: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const timer = setTimeout(
      () => finish(() => reject(new Error(`no answer within ${patienceMs} ms, but: ${received}`))),
      patienceMs,
    );
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).pause();
      settle();
    };
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (isWhole(received)) finish(() => resolve(received));
    };
    const onEnd = () => finish(() => resolve(received));
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).resume();
  });
}

function headEnd(received: Buffer): number {
  return received.indexOf('\r\n\r\n');
}

function parseHead(received: Buffer): Omit<RawAnswer, 'body'> {
  const [first = '', ...lines] = received.toString('latin1', 0, headEnd(received)).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]), headers };
}

/** Length of the first answer in `received`, or null while it is not whole. */
function firstAnswerLength(received: Buffer): number | null {
  const end = headEnd(received);
  if (end === -1) return null;
  const { status, headers } = parseHead(received);
  const hasBody = status >= 200 && status !== 204 && status !== 304;
  const whole = end + 4 + (hasBody ? Number(headers['content-length'] ?? 0) : 0);
  return received.length >= whole ? whole : null;
}

/** The next answer on this connection (100 Continue is one); null when the connection ended without. */
export async function nextAnswer(socket: Socket): Promise<RawAnswer | null> {
  const received = await receive(socket, (all) => firstAnswerLength(all) !== null);
  const length = firstAnswerLength(received);
  if (length === null) return null;
  if (received.length > length) socket.unshift(received.subarray(length));
  return { ...parseHead(received), body: received.subarray(headEnd(received) + 4, length) };
}

/** The answer to these bytes on a connection of their own, which is closed afterwards. */
export async function exchange(target: Target, sent: string | Buffer): Promise<RawAnswer> {
  const socket = await open(target);
  try {
    socket.write(sent);
    const answer = await nextAnswer(socket);
    if (answer === null) throw new Error('the connection ended without an answer');
    return answer;
  } finally {
    socket.destroy();
  }
}

/** A request's head, with Host and the identity of `role`; the empty line is in it. */
export function head(
  target: Target,
  role: Role | null,
  requestLine: string,
  headers: readonly string[] = [],
): string {
  const identity = role === null ? {} : target.headersOf(role);
  const lines = Object.entries(identity).map(([name, value]) => `${name}: ${value}`);
  return [`${requestLine} HTTP/1.1`, 'Host: tintype.test', ...lines, ...headers, '', ''].join('\r\n');
}
