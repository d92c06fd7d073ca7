/** xz and bzip2, by the system's programs in the sandbox. */
import type { Readable } from 'node:stream';
import { ProgramFailed, type Sandbox } from '../sandbox.ts';
import { broken } from './broken.ts';

export interface Bounds {
  /** Bytes that may come out. */
  readonly most: number;
  readonly signal: AbortSignal;
}

const words = {
  xz: ['--decompress', '--stdout', '--quiet', '--memlimit-decompress=512MiB'],
  bzip2: ['--decompress', '--stdout'],
};

/** Address space, bytes: more than the largest dictionary that is allowed. */
const memory = 1024 ** 3;

/** Fails with format_mismatch when the data is broken. */
export async function* unpackStream(
  sandbox: Sandbox,
  format: keyof typeof words,
  source: Readable,
  { most, signal }: Bounds,
): AsyncGenerator<Uint8Array> {
  const program = { name: format, words: () => words[format], limits: limitsFor(most) };
  try {
    yield* sandbox.stream(program, source, { signal, isSilent: true });
  } catch (error) {
    throw error instanceof ProgramFailed ? broken(format, error) : error;
  } finally {
    source.destroy();
  }
}

export function limitsFor(most: number) {
  return { memory, cpuSeconds: 60 + most / (1024 * 1024), fileBytes: 0 };
}
