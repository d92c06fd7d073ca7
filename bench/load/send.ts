/** Uploads, each on a connection of its own, as fast as the server takes them or held back. */
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface SendJob {
  readonly url: string;
  readonly token: string;
  /** One upload for each of these images. */
  readonly ids: readonly string[];
  /** Of each upload. */
  readonly bytes: number;
  /** Bytes a second of each upload; null: as many as the server takes. */
  readonly rate: number | null;
}

export interface SendResult {
  readonly seconds: number;
  /** Of the answers. */
  readonly statuses: readonly number[];
}

const piece = randomFillSync(Buffer.allocUnsafe(1024 * 1024));
const everyMs = 250;

export async function sendImage(job: SendJob): Promise<SendResult> {
  const begun = performance.now();
  const statuses = await Promise.all(job.ids.map((id) => sendOne(job, id)));
  return { seconds: (performance.now() - begun) / 1000, statuses };
}

async function sendOne({ url, token, bytes, rate }: SendJob, id: string): Promise<number> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const status = readStatus(socket);
  const headers = `Host: ${host}\r\nX-Auth-Token: ${token}\r\nContent-Type: application/octet-stream`;
  socket.write(`PUT /v2/images/${id}/file HTTP/1.1\r\n${headers}\r\nContent-Length: ${bytes}\r\n\r\n`);
  await Promise.race([rate === null ? sendFast(socket, bytes) : sendSlowly(socket, bytes, rate), status]);
  const answer = await status;
  socket.destroy();
  return answer;
}

/** Of the answer, which may come before all is sent. */
function readStatus(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('data', (answer) => resolve(Number(answer.toString('latin1', 9, 12))));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The server closed the connection without an answer.')));
  });
}

async function sendFast(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= piece.length)
    if (!socket.write(left < piece.length ? piece.subarray(0, left) : piece)) await once(socket, 'drain');
}

async function sendSlowly(socket: Socket, bytes: number, rate: number): Promise<void> {
  const step = Math.min(piece.length, Math.floor((rate * everyMs) / 1000));
  // Not all at the same moment.
  await delay(Math.random() * everyMs);
  for (let left = bytes; left > 0; left -= step) {
    const due = delay(everyMs);
    if (!socket.write(piece.subarray(0, Math.min(step, left)))) await once(socket, 'drain');
    await due;
  }
}
