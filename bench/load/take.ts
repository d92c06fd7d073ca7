/** Downloads that look at nothing but how much has come, as fast as it comes or held back. */
import { once } from 'node:events';
import { connect } from 'node:net';

export interface TakeJob {
  readonly port: number;
  readonly path: string;
  readonly token: string | null;
  /** At the same time, each on a connection of its own; 1 unless given. */
  readonly count?: number;
  /** When given, each takes `rate` bytes a second, and only for so many `seconds`. */
  readonly slowly?: { readonly rate: number; readonly seconds: number };
}

export interface TakeResult {
  readonly seconds: number;
  readonly downloads: readonly { readonly status: number; readonly bytes: number }[];
}

const everyMs = 250;

export async function takeBytes(job: TakeJob): Promise<TakeResult> {
  const begun = performance.now();
  const downloads = await Promise.all(Array.from({ length: job.count ?? 1 }, () => takeOne(job)));
  return { seconds: (performance.now() - begun) / 1000, downloads };
}

/** Ends when all that was announced has come, the time is over, or the server has closed the connection. */
async function takeOne({ port, path, token, slowly }: TakeJob): Promise<{ status: number; bytes: number }> {
  const buffer = Buffer.allocUnsafe(slowly === undefined ? 256 * 1024 : 64 * 1024);
  const allowance = slowly === undefined ? Number.POSITIVE_INFINITY : (slowly.rate * everyMs) / 1000;
  let [bytes, left, head] = [0, allowance, ''];
  let announced = Number.POSITIVE_INFINITY;
  const callback = (count: number) => {
    bytes += count;
    left -= count;
    if (announced === Number.POSITIVE_INFINITY) {
      head += buffer.toString('latin1', 0, Math.min(count, 4096));
      announced = lengthWithHead(head);
    }
    if (bytes >= announced) socket.destroy();
    return left > 0;
  };
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const identity = token === null ? '' : `X-Auth-Token: ${token}\r\n`;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${identity}\r\n`);
  const refill = setInterval(() => {
    left = allowance;
    socket.resume();
  }, everyMs);
  const end = slowly === undefined ? undefined : setTimeout(() => socket.destroy(), slowly.seconds * 1000);
  await once(socket, 'close');
  clearInterval(refill);
  clearTimeout(end);
  const headLength = head.indexOf('\r\n\r\n') + 4;
  return { status: Number(head.slice(9, 12)), bytes: bytes - headLength };
}

/** Bytes of head and body together, once the head is there. */
function lengthWithHead(head: string): number {
  const end = head.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  return end === -1 || length === undefined ? Number.POSITIVE_INFINITY : end + 4 + Number(length);
}
