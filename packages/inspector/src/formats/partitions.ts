/** Partition tables: a disk that has one is raw. A bad table is the guest's affair: warned of, never refused. */
import { textAt, u16le, u32le, u64le } from '../bytes.ts';
import { crc } from '../checksums.ts';
import { atEnd, claim, type Format, readSome } from '../examination.ts';
import { bootSectorOf, isLinuxKernel } from '../looks.ts';

const signature = 'EFI PART';
const sectorSizes = [512, 4096];
const headerBytes = 92;

export const gpt: Format = {
  name: 'gpt',
  title: 'a raw disk with a GPT',
  role: 'partitions',
  memory: 8192,
  recognise: (head) => sectorSizes.some((size) => textAt(head, size, signature)),
  *examine() {
    const start = yield* readSome(0, 4096 + 512);
    const { tail, size } = yield* atEnd();
    const sectorSize = sectorSizes.find((one) => textAt(start, one, signature))!;
    const header = start.subarray(sectorSize, sectorSize + headerBytes);
    const warnings = [...mbrWarnings(start, size)];
    const holds = u32le(header, 12) === headerBytes && crc('crc32', header, 16) === u32le(header, 16);
    if (!holds) warnings.push('the checksum of its GPT header is wrong');
    else if (!textAt(tail, tail.length - sectorSize, signature))
      warnings.push('its GPT has no backup at the end: the disk was cut, or grew');
    if (u64le(header, 48) * BigInt(sectorSize) >= BigInt(size))
      warnings.push('its GPT describes a larger disk than this');
    return { virtualSize: yield* claim(size, 'data'), warnings, facts: { sectorSize } };
  },
};

/** NTFS, FAT, kernels and boot loaders carry 55 AA too: they are no partition tables. */
export const mbr: Format = {
  name: 'mbr',
  title: 'a raw disk with an MBR',
  role: 'partitions',
  memory: 512,
  recognise: (head) =>
    u16le(head, 510) === 0xaa55 &&
    !gpt.recognise(head) &&
    bootSectorOf(head) === null &&
    !isLinuxKernel(head),
  *examine() {
    const start = yield* readSome(0, 512);
    const { size } = yield* atEnd();
    const virtualSize = yield* claim(size, 'data');
    return {
      virtualSize,
      warnings: mbrWarnings(start, size),
      facts: { partitions: entriesOf(start).length },
    };
  },
};

interface Entry {
  readonly boot: number;
  readonly type: number;
  readonly start: number;
  readonly sectors: number;
}

function entriesOf(sector: Uint8Array): Entry[] {
  return [0, 1, 2, 3]
    .map((index) => 446 + index * 16)
    .map((at) => ({
      boot: sector[at]!,
      type: sector[at + 4]!,
      start: u32le(sector, at + 8),
      sectors: u32le(sector, at + 12),
    }))
    .filter(({ type }) => type !== 0);
}

function mbrWarnings(sector: Uint8Array, size: number): string[] {
  const entries = entriesOf(sector);
  const warnings: string[] = [];
  if (entries.some(({ boot }) => boot !== 0 && boot !== 0x80))
    warnings.push('an entry of its partition table has an odd boot flag');
  const isProtective = entries.some(({ type }) => type === 0xee);
  if (!isProtective && entries.some(({ start, sectors }) => (start + sectors) * 512 > size))
    warnings.push('its partition table goes beyond the end of the disk');
  return warnings;
}
