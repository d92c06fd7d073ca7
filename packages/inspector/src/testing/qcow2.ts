/** Headers of qcow2, for tests. */

/** A version 3 header of a disk of `virtualSize` bytes, padded to a cluster. */
export function qcow2(virtualSize = 1024 * 1024, change: (header: Buffer) => void = () => undefined): Buffer {
  const header = Buffer.alloc(65_536);
  header.write('QFI\xfb', 0, 'latin1');
  for (const [offset, value] of [
    [4, 3],
    [20, 16],
    [36, Math.ceil(virtualSize / 2 ** 29)],
    [56, 1],
    [96, 4],
    [100, 104],
  ] as const) {
    header.writeUInt32BE(value, offset);
  }
  header.writeBigUInt64BE(BigInt(virtualSize), 24);
  header.writeBigUInt64BE(3n * 65_536n, 40);
  header.writeBigUInt64BE(65_536n, 48);
  change(header);
  return header;
}

export const withBackingFile = qcow2(undefined, (header) => header.writeUInt32BE(512, 12));
