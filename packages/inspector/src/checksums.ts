/** The checksums that disk formats carry in their headers. */

function tableOf(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? polynomial ^ (value >>> 1) : value >>> 1;
    return value;
  });
}

const tables = { crc32: tableOf(0xedb88320), crc32c: tableOf(0x82f63b78) };

/** Over `bytes`, with the four bytes at `blank` taken as zero, since the sum itself stands there. */
export function crc(kind: keyof typeof tables, bytes: Uint8Array, blank: number): number {
  const table = tables[kind];
  let value = 0xffffffff;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = at >= blank && at < blank + 4 ? 0 : bytes[at]!;
    value = table[(value ^ byte) & 0xff]! ^ (value >>> 8);
  }
  return ~value >>> 0;
}

/** The complement of the sum of all bytes but the four at `blank`: VHD. */
export function complementOfSum(bytes: Uint8Array, blank: number): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1) if (at < blank || at >= blank + 4) sum += bytes[at]!;
  return ~sum >>> 0;
}
