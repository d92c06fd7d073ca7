/** lha, of one file, by Lhasa in the sandbox. */
import { open } from 'node:fs/promises';
import { Failure } from '../../base/failure.ts';
import { readAt } from '../inspect-file.ts';
import { ProgramFailed, type Sandbox } from '../sandbox.ts';
import { broken } from './broken.ts';
import { type Bounds, limitsFor } from './programs.ts';

interface Member {
  /** Bytes of its content. */
  readonly size: number;
  /** Where the next one stands. */
  readonly end: number;
}

/** Fails with format_mismatch unless it is whole and has one file. */
export async function* unpackLha(
  sandbox: Sandbox,
  path: string,
  { most, signal }: Bounds,
): AsyncGenerator<Uint8Array> {
  const { size } = await onlyMember(path);
  const lhasa = (command: string) => ({
    name: 'lhasa',
    reads: { archive: path },
    words: (file: (name: string) => string) => [command, file('archive')],
    limits: limitsFor(most),
  });
  let done = 0;
  try {
    // Printing does not compare the checksum, testing does.
    await sandbox.run(lhasa('tq2'), { signal });
    for await (const chunk of sandbox.stream(lhasa('pq2'), none(), { signal, isSilent: true })) {
      done += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw error instanceof ProgramFailed ? broken('lha', error) : error;
  }
  if (done !== size) throw broken('lha');
}

async function* none(): AsyncGenerator<Uint8Array> {}

async function onlyMember(path: string): Promise<Member> {
  await using file = await open(path);
  const first = readMember(await readAt(file, 0, 32));
  const [next] = await readAt(file, first.end, 1);
  if (next === undefined || next === 0) return first;
  throw new Failure('format_mismatch', 'The data cannot be used: the lha archive holds more than one file.');
}

/** By its header, whose levels differ in what counts as what. */
function readMember(bytes: Uint8Array): Member {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 32) throw broken('lha');
  const packed = view.getUint32(7, true);
  const size = view.getUint32(11, true);
  const level = view.getUint8(20);
  const headers = [
    view.getUint8(0) + 2,
    view.getUint8(0) + 2,
    view.getUint16(0, true),
    view.getUint32(24, true),
  ];
  const header = headers[level];
  if (header === undefined) throw broken('lha');
  return { size, end: header + packed };
}
