/** VHDX: two headers, two region tables, and its size in a metadata region further on. */
import { hex, isZero, textAt, u16le, u32le, u64le } from '../bytes.ts';
import { crc } from '../checksums.ts';
import { atEnd, claim, type Examination, type Format, read, unsafe, within } from '../examination.ts';

const kib = 1024;
const headerPlaces = [64 * kib, 128 * kib];
const regionPlaces = [192 * kib, 256 * kib];
const tableBytes = 64 * kib;
const largest = 64 * 1024 ** 4;
const guids = {
  metadataRegion: guid('8b7ca206-4790-4b9a-b8fe-575f050f886e'),
  blockTable: guid('2dc27766-f623-4200-9d64-115e9bfd4a08'),
  virtualSize: guid('2fa54224-cd1b-4876-b211-5dbed83bf4b8'),
  fileParameters: guid('caa16737-fa36-4d43-b3b6-33f0aa44e76b'),
  logicalSector: guid('8141bf1d-a96f-4709-ba47-f233a8faab5f'),
  physicalSector: guid('cda348c7-445d-4471-9cc9-e9885251c556'),
  page83: guid('beca12ab-b2e6-4523-93ef-c309e000c746'),
  parentLocator: guid('a8d35f2d-b30b-454d-abf7-d3d84834ab0c'),
};
const knownItems: ReadonlySet<string> = new Set(Object.values(guids));

export const vhdx: Format = {
  name: 'vhdx',
  title: 'a vhdx image',
  role: 'layered',
  memory: 2 * tableBytes,
  recognise: (head) => textAt(head, 0, 'vhdxfile'),
  *examine() {
    const hasLog = yield* readHeaders();
    const region = yield* readRegions();
    const items = readItems(yield* read(region.offset, tableBytes, 'VHDX metadata'));
    const { blockSize, virtualSize } = yield* readValues(region, items);
    yield* atEnd();
    return {
      virtualSize,
      warnings: hasLog ? ['its log holds changes that are not in the disk yet: they must be replayed'] : [],
      facts: { blockSize },
    };
  },
};

/** Whether the header that counts, the valid one with the higher number, names a log. */
function* readHeaders(): Examination<boolean> {
  let newest = -1n;
  let hasLog = false;
  for (const place of headerPlaces) {
    const header = yield* read(place, 4096, 'VHDX header');
    const isValid = textAt(header, 0, 'head') && crc('crc32c', header, 4) === u32le(header, 4);
    if (!isValid || u64le(header, 8) <= newest) continue;
    newest = u64le(header, 8);
    hasLog = !isZero(header.subarray(48, 64));
    if (u16le(header, 66) !== 1) throw unsafe(`its VHDX version is ${u16le(header, 66)}, known is 1`);
  }
  if (newest < 0n) throw unsafe('it has no valid VHDX header');
  return hasLog;
}

interface Region {
  readonly offset: number;
  readonly length: number;
}

/** QEMU reads the first table only, others fall back to the second: so both must say the same. */
function* readRegions(): Examination<Region> {
  const first = yield* readRegionTable(regionPlaces[0]!);
  const second = yield* readRegionTable(regionPlaces[1]!);
  if (first === null) throw unsafe('its VHDX region table is broken');
  if (second !== null && (second.offset !== first.offset || second.length !== first.length))
    throw unsafe('the two region tables of its VHDX header differ');
  return first;
}

/** Where the metadata are; null when the table's checksum does not hold. */
function* readRegionTable(place: number): Examination<Region | null> {
  const table = yield* read(place, tableBytes, 'VHDX header');
  const count = u32le(table, 8);
  if (!textAt(table, 0, 'regi') || count > 2047) throw unsafe('its VHDX region table is broken');
  if (crc('crc32c', table, 4) !== u32le(table, 4)) return null;
  let metadata: Region | null = null;
  const seen = new Set<string>();
  for (let at = 16; at < 16 + count * 32; at += 32) {
    const name = hex(table, at, at + 16);
    if (seen.has(name)) throw unsafe('its VHDX header names a region twice');
    seen.add(name);
    if (name === guids.metadataRegion) metadata = regionAt(table, at);
    else if (name !== guids.blockTable && (u32le(table, at + 28) & 1) === 1)
      throw unsafe('its VHDX header needs a region that is not known');
  }
  if (metadata === null) throw unsafe('its VHDX header has no metadata region');
  return metadata;
}

function regionAt(table: Uint8Array, at: number): Region {
  const offset = u64le(table, at + 16);
  const length = u32le(table, at + 24);
  const mib = 1024n * 1024n;
  if (offset < mib || offset % mib !== 0n || offset > Number.MAX_SAFE_INTEGER || length < tableBytes)
    throw unsafe('the metadata region of its VHDX header is not where it may be');
  return { offset: Number(offset), length };
}

interface Item {
  readonly offset: number;
  readonly length: number;
}

function readItems(table: Uint8Array): ReadonlyMap<string, Item> {
  const count = u16le(table, 10);
  if (!textAt(table, 0, 'metadata') || count > 2047) throw unsafe('its VHDX metadata table is broken');
  const items = new Map<string, Item>();
  for (let at = 32; at < 32 + count * 32; at += 32) {
    const name = hex(table, at, at + 16);
    if (items.has(name)) throw unsafe('its VHDX metadata table gives an item twice');
    if (name === guids.parentLocator) throw unsafe('the VHDX image is a difference to a parent');
    const isRequired = (u32le(table, at + 24) & 4) !== 0;
    if (isRequired && !knownItems.has(name)) throw unsafe('its VHDX metadata need an item that is not known');
    items.set(name, { offset: u32le(table, at + 16), length: u32le(table, at + 20) });
  }
  return items;
}

/** File parameters and size, in the order in which they stand. */
function* readValues(region: Region, items: ReadonlyMap<string, Item>) {
  const parameters = items.get(guids.fileParameters);
  const size = items.get(guids.virtualSize);
  if (parameters?.length !== 8 || size?.length !== 8) throw unsafe('its VHDX metadata lack the size');
  const first = Math.min(parameters.offset, size.offset);
  const length = Math.max(parameters.offset, size.offset) + 8 - first;
  if (first < tableBytes || length > tableBytes || first + length > region.length)
    throw unsafe('its VHDX metadata are not where they may be');
  const values = yield* read(region.offset + first, length, 'VHDX metadata');
  const blockSize = within(
    u32le(values, parameters.offset - first),
    1024 * kib,
    256 * 1024 * kib,
    'block size in its VHDX metadata',
  );
  if ((u32le(values, parameters.offset - first + 4) & 2) !== 0)
    throw unsafe('the VHDX image is a difference to a parent');
  const virtualSize = yield* claim(u64le(values, size.offset - first), 'VHDX header');
  if (virtualSize > largest)
    throw unsafe(`its VHDX header claims ${virtualSize} bytes, the format ends at 64 TiB`);
  return { blockSize, virtualSize };
}

/** A GUID as it stands on disk, in hex: its first three fields are little-endian. */
function guid(text: string): string {
  const [a, b, c, ...rest] = text.split('-');
  const swapped = [a, b, c].map((field) => field!.match(/../g)!.reverse().join(''));
  return swapped.join('') + rest.join('');
}
