/** VHDX: sized from its metadata region, which stands further on than its header. */
import {
  type Examination,
  type Format,
  type StreamEnd,
  sizeOf,
  textAt,
  unsafe,
  type Window,
} from './format.ts';

const kib = 1024;
const regionTable: Window = { offset: 192 * kib, length: 64 * kib };
const largest = 64 * 1024 ** 4;
const guids = {
  metadataRegion: guid('8b7ca206-4790-4b9a-b8fe-575f050f886e'),
  blockTable: guid('2dc27766-f623-4200-9d64-115e9bfd4a08'),
  virtualSize: guid('2fa54224-cd1b-4876-b211-5dbed83bf4b8'),
  fileParameters: guid('caa16737-fa36-4d43-b3b6-33f0aa44e76b'),
};

export const vhdx: Format = {
  name: 'vhdx',
  recognise: (head) => textAt(head, 0, 'vhdxfile'),
  examine: () => new VhdxExamination(),
};

interface Item {
  readonly offset: number;
  readonly length: number;
}

/** Region table, then the metadata table, then its items in the order in which they stand. */
class VhdxExamination implements Examination {
  wants: Window | null = regionTable;
  #step: (bytes: Buffer) => void = (bytes) => this.#readRegions(bytes);
  #size: number | null = null;

  see(bytes: Buffer): void {
    const wanted = this.wants!;
    this.wants = null;
    if (bytes.length < wanted.length) throw unsafe('it ends inside its VHDX header');
    this.#step(bytes);
  }

  finish(_end: StreamEnd): number | null {
    if (this.#size === null) throw unsafe('its VHDX header states no size');
    return this.#size;
  }

  #readRegions(table: Buffer): void {
    const count = table.readUInt32LE(8);
    if (!textAt(table, 0, 'regi') || count > 2047) throw unsafe('its VHDX region table is broken');
    let metadata: number | null = null;
    for (let at = 16; at < 16 + count * 32; at += 32) {
      const name = table.toString('hex', at, at + 16);
      if (name === guids.metadataRegion) metadata = sizeOf(table.readBigUInt64LE(at + 16), 'VHDX');
      else if (name !== guids.blockTable && (table.readUInt32LE(at + 28) & 1) === 1) {
        throw unsafe('its VHDX header needs a region that is not known');
      }
    }
    if (metadata === null) throw unsafe('its VHDX header has no metadata region');
    if (metadata < 1024 * kib) throw unsafe('the metadata region of its VHDX header is not where it may be');
    const region = metadata;
    this.wants = { offset: region, length: 64 * kib };
    this.#step = (bytes) => this.#readItems(bytes, region);
  }

  #readItems(table: Buffer, region: number): void {
    const count = table.readUInt16LE(10);
    if (!textAt(table, 0, 'metadata') || count > 2047) throw unsafe('its VHDX metadata table is broken');
    const items = new Map<string, Item>();
    for (let at = 32; at < 32 + count * 32; at += 32) {
      const name = table.toString('hex', at, at + 16);
      if (items.has(name)) throw unsafe('its VHDX metadata table gives an item twice');
      items.set(name, { offset: table.readUInt32LE(at + 16), length: table.readUInt32LE(at + 20) });
    }
    const parameters = items.get(guids.fileParameters);
    const size = items.get(guids.virtualSize);
    if (parameters?.length !== 8 || size?.length !== 8) throw unsafe('its VHDX metadata lack the size');
    this.#readBoth(parameters.offset, size.offset, region);
  }

  #readBoth(parameters: number, size: number, region: number): void {
    const first = Math.min(parameters, size);
    const length = Math.max(parameters, size) + 8 - first;
    if (first < 64 * kib || length > 64 * kib) throw unsafe('its VHDX metadata are not where they may be');
    this.wants = { offset: region + first, length };
    this.#step = (bytes) => {
      if ((bytes.readUInt32LE(parameters - first + 4) & 2) !== 0) {
        throw unsafe('the VHDX image is a difference to a parent');
      }
      this.#size = sizeOf(bytes.readBigUInt64LE(size - first), 'VHDX');
      if (this.#size > largest) {
        throw unsafe(`its VHDX header claims ${this.#size} bytes, the format ends at 64 TiB`);
      }
    };
  }
}

/** A GUID as it stands on disk, in hex: its first three fields are little-endian. */
function guid(text: string): string {
  const [a, b, c, ...rest] = text.split('-');
  return (
    [a, b, c].map((field) => Buffer.from(field!, 'hex').reverse().toString('hex')).join('') + rest.join('')
  );
}
