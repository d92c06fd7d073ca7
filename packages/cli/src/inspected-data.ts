/** What `tintype inspect` looks at: a file, read only where it matters; a pipe or an address, as it passes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Inspection, type InspectOptions, Inspector, inspectSource } from '@tintype/inspector';
import { CommandError, systemError, UsageError } from './command-error.ts';
import { exitCodeOfStatus, exitCodes } from './exit-codes.ts';
import { untilAborted } from './until-aborted.ts';

export interface Inspected {
  /** Without credentials and query. */
  readonly name: string;
  readonly inspection: Inspection;
}

const options: InspectOptions = {
  createDigest(name) {
    const hash = createHash(name);
    return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') };
  },
};

/** A path, an http(s) address, or `-` for standard input. Throws CommandError. */
export async function inspectData(place: string, signal: AbortSignal): Promise<Inspected> {
  if (place === '-') {
    if (process.stdin.isTTY)
      throw new UsageError('standard input is a terminal: give a file, or pipe data in');
    return {
      name: 'standard input',
      inspection: await inspectStream(untilAborted(process.stdin, signal), signal),
    };
  }
  return /^https?:\/\//i.test(place) ? await inspectAddress(place, signal) : await inspectFile(place, signal);
}

async function inspectStream(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Inspection> {
  const inspector = new Inspector(options);
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    inspector.update(chunk);
  }
  return inspector.finish();
}

async function inspectFile(file: string, signal: AbortSignal): Promise<Inspected> {
  const failed = (thrown: unknown) =>
    (thrown as NodeJS.ErrnoException).syscall === undefined ? thrown : systemError(`read ${file}`, thrown);
  try {
    await using handle = await open(file, 'r');
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new UsageError(`${file} is a directory`);
    const inspection = stats.isFile()
      ? await inspectSource({ size: stats.size, read: (at, length) => readAt(handle, at, length) }, options)
      : await inspectStream(createReadStream('', { fd: handle, autoClose: false }), signal);
    return { name: basename(file), inspection };
  } catch (thrown) {
    throw failed(thrown);
  }
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, at + done);
    if (bytesRead === 0) return buffer.subarray(0, done);
    done += bytesRead;
  }
  return buffer;
}

async function inspectAddress(address: string, signal: AbortSignal): Promise<Inspected> {
  if (!URL.canParse(address)) throw new UsageError('this is no valid address');
  const url = new URL(address);
  if (url.username !== '' || url.password !== '')
    throw new UsageError('an address with a user or a password is not taken: fetch the data and pipe it in');
  const name = url.origin + url.pathname;
  try {
    // Unpacked on the way it would be other data than is there.
    const response = await fetch(url, { signal, headers: { 'Accept-Encoding': 'identity' } });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const { status } = response;
      throw new CommandError(`${name} was answered with status ${status}`, {
        code: `http_${status}`,
        exitCode: exitCodeOfStatus(status),
      });
    }
    return { name, inspection: await inspectStream(response.body, signal) };
  } catch (thrown) {
    if (thrown instanceof CommandError) throw thrown;
    if (signal.aborted) throw signal.reason;
    const { code = 'the connection failed' } = ((thrown as Error).cause ?? {}) as { code?: string };
    const details = { code: 'connection_failed', exitCode: exitCodes.unavailable, cause: thrown };
    throw new CommandError(`cannot read ${name}: ${code}`, details);
  }
}
