/** qcow2, versions 2 and 3: everything that its header says, within the limits that QEMU keeps itself. */
import { textAt, u32be, u64be } from '../bytes.ts';
import { atEnd, claim, type Examination, type Format, read, unsafe, within } from '../examination.ts';
import { refuseOverlaps, type Table } from './overlaps.ts';

const magic = 'QFI\xfb';
const incompatible = { dirty: 1n, corrupt: 2n, dataFile: 4n, compression: 8n, extendedL2: 16n, unknown: 32n };
const extension = { dataFile: 0x44415441, encryption: 0x0537be77 };
const mostExtensions = 64;

export const qcow2: Format = {
  name: 'qcow2',
  title: 'a qcow2 image',
  role: 'layered',
  memory: 512,
  recognise: (head) => textAt(head, 0, magic) && u32be(head, 4) !== 1,
  *examine() {
    const base = yield* read(0, 72, 'qcow2 header');
    const version = u32be(base, 4);
    if (version !== 2 && version !== 3) throw unsafe(`its qcow2 version is ${version}, known are 2 and 3`);
    if (u64be(base, 8) !== 0n) throw unsafe('the qcow2 image names a backing file');
    const clusterBits = within(u32be(base, 20), 9, 21, 'cluster size exponent in its qcow2 header');
    const features = version === 3 ? yield* readVersion3(2 ** clusterBits) : noFeatures;
    const virtualSize = yield* claim(u64be(base, 24), 'qcow2 header');
    const tables = tablesOf(base, virtualSize, clusterBits, features.extendedL2);
    tables.push(...(yield* readExtensions(features.headerLength, 2 ** clusterBits)));
    refuseOverlaps(tables, 'qcow2 header');
    yield* atEnd();
    return findings(base, virtualSize, clusterBits, features);
  },
};

interface Features {
  readonly headerLength: number;
  readonly dirty: boolean;
  readonly corrupt: boolean;
  readonly extendedL2: boolean;
  readonly compression: string;
}

const noFeatures: Features = {
  headerLength: 72,
  dirty: false,
  corrupt: false,
  extendedL2: false,
  compression: 'deflate',
};

/** The fields that version 3 adds. */
function* readVersion3(clusterSize: number): Examination<Features> {
  const more = yield* read(72, 32, 'qcow2 header');
  const bits = u64be(more, 0);
  if ((bits & incompatible.dataFile) !== 0n) throw unsafe('the qcow2 image names an external data file');
  if (bits >= incompatible.unknown) throw unsafe('the qcow2 image needs features that are not known');
  within(u32be(more, 24), 0, 6, 'refcount width exponent in its qcow2 header');
  const headerLength = within(u32be(more, 28), 104, clusterSize, 'length of its qcow2 header');
  const kind = headerLength > 104 ? (yield* read(104, 1, 'qcow2 header'))[0]! : 0;
  within(kind, 0, 1, 'compression type in its qcow2 header');
  if ((kind !== 0) !== ((bits & incompatible.compression) !== 0n))
    throw unsafe('its qcow2 header contradicts itself about compression');
  return {
    headerLength,
    dirty: (bits & incompatible.dirty) !== 0n,
    corrupt: (bits & incompatible.corrupt) !== 0n,
    extendedL2: (bits & incompatible.extendedL2) !== 0n,
    compression: kind === 1 ? 'zstd' : 'deflate',
  };
}

/** Where the header's own tables stand, those that are there. The limits are QEMU's, for what it keeps in memory. */
function tablesOf(base: Uint8Array, virtualSize: number, clusterBits: number, extendedL2: boolean): Table[] {
  const crypt = u32be(base, 32);
  if (crypt !== 0 && crypt !== 2)
    throw unsafe(`its qcow2 encryption method is ${crypt}, allowed is LUKS (2)`);
  const clusterSize = 2 ** clusterBits;
  const entries = within(u32be(base, 36), 0, 4 * 1024 * 1024, 'number of L1 entries in its qcow2 header');
  const bytesPerEntry = clusterSize * (clusterSize / (extendedL2 ? 16 : 8));
  if (entries * bytesPerEntry < virtualSize) throw unsafe('its qcow2 tables are too small for its size');
  const refcountBytes = u32be(base, 56) * clusterSize;
  within(refcountBytes, 0, 8 * 1024 * 1024, 'refcount table size in its qcow2 header');
  const snapshots = within(u32be(base, 60), 0, 65536, 'number of snapshots in its qcow2 header');
  const tables = [
    { what: 'L1 table', offset: u64be(base, 40), length: entries * 8 },
    { what: 'refcount table', offset: u64be(base, 48), length: refcountBytes },
    { what: 'snapshot table', offset: u64be(base, 64), length: snapshots * 40 },
  ].filter(({ offset, length }) => offset !== 0n && length > 0);
  for (const { what, offset } of tables) {
    if (offset % BigInt(clusterSize) !== 0n)
      throw unsafe(`the ${what} of its qcow2 header does not begin where a cluster does`);
  }
  return [{ what: 'header', offset: 0n, length: clusterSize }, ...tables];
}

/** Type, length and data padded to 8 bytes, until type 0; all of them within the first cluster. */
function* readExtensions(headerLength: number, clusterSize: number): Examination<Table[]> {
  const seen = new Set<number>();
  const tables: Table[] = [];
  let at = headerLength;
  while (at + 8 <= clusterSize) {
    const start = yield* read(at, 8, 'qcow2 header extensions');
    const type = u32be(start, 0);
    const length = u32be(start, 4);
    if (type === 0) break;
    if (type === extension.dataFile) throw unsafe('the qcow2 image names an external data file');
    if (seen.has(type)) throw unsafe('its qcow2 header has the same extension twice');
    if (seen.add(type).size > mostExtensions) throw unsafe('its qcow2 header has too many extensions');
    if (at + 8 + length > clusterSize)
      throw unsafe('a header extension of its qcow2 header is longer than its cluster');
    if (type === extension.encryption) {
      if (length !== 16) throw unsafe('the encryption extension of its qcow2 header is broken');
      const place = yield* read(at + 8, 16, 'qcow2 header extensions');
      tables.push({ what: 'encryption header', offset: u64be(place, 0), length: Number(u64be(place, 8)) });
    }
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return tables;
}

function findings(base: Uint8Array, virtualSize: number, clusterBits: number, features: Features) {
  const snapshots = u32be(base, 60);
  const warnings: string[] = [];
  if (snapshots > 0)
    warnings.push(`it holds ${snapshots} internal snapshots, whose data is not in the visible disk`);
  if (features.dirty) warnings.push('it was not closed properly: its reference counts are to be rebuilt');
  if (u64be(base, 40) === 0n && u32be(base, 36) > 0) warnings.push('its L1 table is missing');
  if (features.corrupt) warnings.push('it is marked as corrupt: check it before use');
  return {
    virtualSize,
    warnings,
    encryption: u32be(base, 32) === 2 ? 'luks' : null,
    facts: {
      version: u32be(base, 4),
      clusterSize: 2 ** clusterBits,
      compression: features.compression,
      extendedL2: features.extendedL2,
      snapshots,
    },
  };
}

function obsolete(name: 'qcow1' | 'qed', title: string, recognise: (head: Uint8Array) => boolean): Format {
  return {
    name,
    title,
    role: 'layered',
    memory: 0,
    recognise,
    // biome-ignore lint/correctness/useYield: it is refused unread
    *examine() {
      throw unsafe(`it is ${title}, which is obsolete and can name a backing file`);
    },
  };
}

export const qcow1 = obsolete(
  'qcow1',
  'a qcow image of version 1',
  (head) => textAt(head, 0, magic) && u32be(head, 4) === 1,
);
export const qed = obsolete('qed', 'a qed image', (head) => textAt(head, 0, 'QED\0'));
