/** Guesses the formats of a file whose owner did not name them; the server looks for itself later. */
import { extname } from 'node:path';
import { UsageError } from './command-error.ts';

/** Bytes of the beginning that the guess needs: the signature of an ISO stands at 32769. */
export const headBytes = 65_536;
/** Bytes of the end that the guess can use: the footer of a fixed VHD. */
export const tailBytes = 512;

export interface FormatGuess {
  readonly diskFormat: string;
  /** `qcow2 by its first bytes` */
  readonly reason: string;
}

const signatures: readonly [format: string, at: number, bytes: string][] = [
  ['qcow2', 0, 'QFI\xfb'],
  ['vmdk', 0, 'KDMV'],
  ['vmdk', 0, '# Disk DescriptorFile'],
  ['vhdx', 0, 'vhdxfile'],
  ['vhd', 0, 'conectix'],
  ['vdi', 64, '\x7f\x10\xda\xbe'],
  ['ploop', 0, 'WithoutFreeSpace'],
  ['ploop', 0, 'WithouFreSpacExt'],
  ['iso', 32_769, 'CD001'],
];

const packed: readonly [what: string, at: number, bytes: string][] = [
  ['gzip data', 0, '\x1f\x8b\x08'],
  ['xz data', 0, '\xfd7zXZ\0'],
  ['zstd data', 0, '\x28\xb5\x2f\xfd'],
  ['bzip2 data', 0, 'BZh'],
  ['a zip archive', 0, 'PK\x03\x04'],
  ['a tar archive', 257, 'ustar'],
];

const extensions: Readonly<Record<string, string>> = { '.ami': 'ami', '.ari': 'ari', '.aki': 'aki' };

/** Throws UsageError for archives and compressed files, which no disk format describes. */
export function guessDiskFormat(head: Buffer, tail: Buffer | null, name: string): FormatGuess {
  const found = signatures.find(([, at, bytes]) => hasAt(head, at, bytes));
  if (found !== undefined) return { diskFormat: found[0], reason: 'by its first bytes' };
  if (tail !== null && hasAt(tail, 0, 'conectix')) return { diskFormat: 'vhd', reason: 'by its last bytes' };
  const archive = packed.find(([, at, bytes]) => hasAt(head, at, bytes));
  if (archive !== undefined) {
    throw new UsageError(
      `${name} is ${archive[0]}: unpack it first, or give --disk-format and --container-format (compressed, ova, …)`,
    );
  }
  const extension = extname(name).toLowerCase();
  const byName = extensions[extension];
  if (byName !== undefined) return { diskFormat: byName, reason: `by its name (${extension})` };
  return { diskFormat: 'raw', reason: 'as its first bytes show no other format' };
}

function hasAt(bytes: Buffer, at: number, expected: string): boolean {
  return bytes.subarray(at, at + expected.length).equals(Buffer.from(expected, 'latin1'));
}
