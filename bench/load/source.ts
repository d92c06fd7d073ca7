/** A server that sends bytes as fast as its one process can. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

const piece = Buffer.alloc(1024 * 1024);

async function send(socket: Socket, bytes: number): Promise<void> {
  await once(socket, 'data');
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
  for (let left = bytes; left > 0; left -= piece.length) {
    const part = left < piece.length ? piece.subarray(0, left) : piece;
    await new Promise<void>((resolve, reject) => {
      socket.write(part, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** Answers every request with `bytes` zeros. Serves until it is killed. */
export async function sendForever(bytes: number): Promise<{ port: number }> {
  const server = createServer((socket) => {
    send(socket, bytes).catch(() => socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port };
}
