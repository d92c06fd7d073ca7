/** What this machine can do at most, measured beside every claim: hashing, the disk, the loopback interface. */
import { createHash, randomFillSync } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { startWorker } from './worker-process.ts';

const mebibyte = 1024 * 1024;
/** What a socket typically gives at a time. */
const chunk = randomFillSync(Buffer.allocUnsafe(64 * 1024));

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

/** MiB a second of md5 and sha512, one after the other on one core. */
export function hashRate(bytes: number): number {
  const hashes = [createHash('md5'), createHash('sha512')];
  const start = performance.now();
  for (let done = 0; done < bytes; done += chunk.length) for (const hash of hashes) hash.update(chunk);
  for (const hash of hashes) hash.digest();
  return bytes / mebibyte / secondsSince(start);
}

/** MiB a second of writing a file and having it on the medium, then of reading it back from memory. */
export async function diskRates(folder: string, bytes: number): Promise<{ write: number; read: number }> {
  const name = path.join(folder, 'disk-limit');
  const buffer = Buffer.alloc(mebibyte, chunk);
  const file = await open(name, 'w+');
  try {
    const writing = performance.now();
    for (let done = 0; done < bytes; done += buffer.length) await file.write(buffer);
    await file.sync();
    const write = bytes / mebibyte / secondsSince(writing);
    const reading = performance.now();
    for (let at = 0; at < bytes; at += buffer.length) await file.read(buffer, 0, buffer.length, at);
    return { write, read: bytes / mebibyte / secondsSince(reading) };
  } finally {
    await file.close();
    await rm(name);
  }
}

/** MiB a second through the loopback interface, from one process to another that throws it away. */
export async function loopbackRate(bytes: number): Promise<number> {
  await using source = await startWorker<{ port: number }>({ work: 'source', bytes });
  const { port } = await source.first;
  await using sink = await startWorker<{ seconds: number }>({ work: 'take', port, path: '/', token: null });
  const { seconds } = await sink.first;
  return bytes / mebibyte / seconds;
}

/** Answers a second of a server that does nothing but send `bytes`, to as many callers as the lists get. */
export async function bareAnswerRate(bytes: number, callers: number, seconds: number): Promise<number> {
  await using server = await startWorker<{ port: number }>({ work: 'answer', bytes });
  const { port } = await server.first;
  const url = `http://127.0.0.1:${port}`;
  const requests = [{ path: '/', token: null }];
  await using caller = await startWorker<{ answers: number; seconds: number }>({
    work: 'call',
    url,
    requests,
    callers,
    seconds,
    rate: null,
  });
  const result = await caller.first;
  return result.answers / result.seconds;
}
