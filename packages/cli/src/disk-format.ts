/** Guesses the formats of a file whose owner did not name them; the server looks for itself later. */
import { extname } from 'node:path';
import { type FormatName, recognise } from '@tintype/inspector';
import { UsageError } from './command-error.ts';

/** Bytes of the end that the guess can use: the footer of a fixed VHD. */
export const tailBytes = 512;

export interface FormatGuess {
  readonly diskFormat: string;
  /** `qcow2 by its first bytes` */
  readonly reason: string;
}

/** What a format recognised is declared as, where that is not its name. */
const declaredAs: Partial<Record<FormatName, string>> = { qcow1: 'qcow2', udf: 'iso' };
const disks: readonly FormatName[] = ['qcow2', 'qcow1', 'vmdk', 'vhd', 'vhdx', 'vdi', 'ploop', 'iso', 'udf'];
const packed: readonly FormatName[] = ['tar', 'ovf', 'gzip', 'xz', 'zstd', 'bzip2', 'lha', 'zip'];

const extensions: Readonly<Record<string, string>> = { '.ami': 'ami', '.ari': 'ari', '.aki': 'aki' };

/** Throws UsageError for archives and compressed files, which no disk format describes. */
export function guessDiskFormat(head: Buffer, tail: Buffer | null, name: string): FormatGuess {
  const { formats, looksLike } = recognise(head);
  const found = formats.find((format) => disks.includes(format));
  if (found !== undefined) return { diskFormat: declaredAs[found] ?? found, reason: 'by its first bytes' };
  if (tail?.toString('latin1', 0, 8) === 'conectix')
    return { diskFormat: 'vhd', reason: 'by its last bytes' };
  if (formats.some((format) => packed.includes(format))) {
    throw new UsageError(
      `${name} is ${looksLike}: unpack it first, or give --disk-format and --container-format (compressed, ova, …)`,
    );
  }
  const extension = extname(name).toLowerCase();
  const byName = extensions[extension];
  if (byName !== undefined) return { diskFormat: byName, reason: `by its name (${extension})` };
  return { diskFormat: 'raw', reason: 'as its first bytes show no other format' };
}
