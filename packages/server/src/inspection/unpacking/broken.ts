/** Says of packed data that it is broken. */
import { Failure } from '../../base/failure.ts';

export function broken(format: string, cause?: unknown): Failure {
  return new Failure('format_mismatch', `The data cannot be used: its ${format} data is broken or cut.`, {
    cause,
  });
}

/** What a decompressor of Node fails with is the data's fault; all else goes on unchanged. */
export function toldOf(error: unknown, format: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(Z_|ZSTD_)/.test(code) ? broken(format, error) : error;
}
