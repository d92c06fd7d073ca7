/** Servers of a test, and the data that they have. */
import { createHash, getHashes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import type { CreateHasher } from '../index.ts';

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

/** Its address; closed at the end of the test file. */
export async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const data = Buffer.from('0123456789'.repeat(100_000));
export const verify: CreateHasher = (name) => (getHashes().includes(name) ? createHash(name) : null);
const os_hash_value = createHash('sha512').update(data).digest('hex');
/** Of an image with that data. */
export const record = { id: 'a', size: data.length, status: 'active', os_hash_algo: 'sha512', os_hash_value };
