/** qcow2 (versions 2 and 3), and its forerunners qcow version 1 and QED, which are refused. */
import { decided, type Format, requireHeader, sizeOf, textAt, unsafe } from './format.ts';

const magic = 'QFI\xfb';
const incompatible = { dataFile: 1n << 2n, firstUnknown: 1n << 5n };
const dataFileExtension = 0x44415441;

export const qcow1: Format = {
  name: 'qcow1',
  recognise: (head) => textAt(head, 0, magic) && head.length >= 8 && head.readUInt32BE(4) === 1,
  examine: () => {
    throw unsafe('it is qcow version 1, which is obsolete and can name a backing file');
  },
};

export const qed: Format = {
  name: 'qed',
  recognise: (head) => textAt(head, 0, 'QED\0'),
  examine: () => {
    throw unsafe('it is QED, which is obsolete and can name a backing file');
  },
};

export const qcow2: Format = {
  name: 'qcow2',
  recognise: (head) => textAt(head, 0, magic) && !qcow1.recognise(head),
  examine(head) {
    requireHeader(head, 72, 'qcow2');
    const version = head.readUInt32BE(4);
    if (version !== 2 && version !== 3) throw unsafe(`its qcow2 version is ${version}, known are 2 and 3`);
    if (head.readBigUInt64BE(8) !== 0n) throw unsafe('the qcow2 image names a backing file');
    const clusterBits = within(head.readUInt32BE(20), 9, 21, 'cluster size exponent');
    const size = sizeOf(head.readBigUInt64BE(24), 'qcow2');
    checkTables(head, size, clusterBits);
    const headerLength = version === 2 ? 72 : checkVersion3(head, clusterBits);
    checkExtensions(head, headerLength, 2 ** clusterBits);
    return decided(size);
  },
};

/** QEMU's own limits for what it keeps in memory. */
function checkTables(head: Buffer, size: number, clusterBits: number): void {
  const crypt = head.readUInt32BE(32);
  if (crypt !== 0 && crypt !== 2)
    throw unsafe(`its qcow2 encryption method is ${crypt}, allowed is LUKS (2)`);
  const l1Entries = within(head.readUInt32BE(36), 0, (32 * 1024 * 1024) / 8, 'number of L1 entries');
  const extended = head.readUInt32BE(4) === 3 && head.length >= 80 && (head.readBigUInt64BE(72) & 16n) !== 0n;
  const bytesPerL1Entry = 2 ** clusterBits * (2 ** clusterBits / (extended ? 16 : 8));
  if (l1Entries * bytesPerL1Entry < size) throw unsafe('its qcow2 tables are too small for its size');
  const refcountBytes = head.readUInt32BE(56) * 2 ** clusterBits;
  within(refcountBytes, 0, 8 * 1024 * 1024, 'refcount table size');
  within(head.readUInt32BE(60), 0, 65536, 'number of snapshots');
}

/** The fields that version 3 adds; the result is the header's length. */
function checkVersion3(head: Buffer, clusterBits: number): number {
  requireHeader(head, 104, 'qcow2');
  const features = head.readBigUInt64BE(72);
  if ((features & incompatible.dataFile) !== 0n) throw unsafe('the qcow2 image names an external data file');
  if (features >= incompatible.firstUnknown)
    throw unsafe('the qcow2 image needs features that are not known');
  within(head.readUInt32BE(96), 0, 6, 'refcount width exponent');
  const length = within(head.readUInt32BE(100), 104, 2 ** clusterBits, 'header length');
  if (length > 104 && head.length > 104) within(head.readUInt8(104), 0, 1, 'compression type');
  return length;
}

/** Type, length and data padded to 8 bytes, until type 0; all of them within the first cluster. */
function checkExtensions(head: Buffer, headerLength: number, clusterSize: number): void {
  let at = headerLength;
  while (at + 8 <= clusterSize) {
    if (at + 8 > head.length) throw unsafe('the header extensions of its qcow2 header have no end');
    const type = head.readUInt32BE(at);
    const length = head.readUInt32BE(at + 4);
    if (type === 0) return;
    if (type === dataFileExtension) throw unsafe('the qcow2 image names an external data file');
    at += 8 + Math.ceil(length / 8) * 8;
    if (at > clusterSize) throw unsafe('a header extension of its qcow2 header is longer than its cluster');
  }
}

function within(value: number, least: number, most: number, what: string): number {
  if (value >= least && value <= most) return value;
  throw unsafe(`the ${what} in its qcow2 header is ${value}, allowed is ${least} to ${most}`);
}
