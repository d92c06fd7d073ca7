/** VMDK: the single-file kinds monolithicSparse and streamOptimized; everything that names other files is refused. */
import {
  damaged,
  decided,
  type Format,
  requireHeader,
  type StreamEnd,
  sizeOf,
  textAt,
  unsafe,
} from './format.ts';

const sector = 512;
const magic = 'KDMV';
const atEnd = 0xffffffffffffffffn;

export const vmdk: Format = {
  name: 'vmdk',
  recognise: (head) =>
    textAt(head, 0, magic) || textAt(head, 0, 'COWD') || isSeSparse(head) || isDescriptor(head),
  examine(head) {
    if (!textAt(head, 0, magic)) throw unsafe('this kind of VMDK keeps its data in other files');
    requireHeader(head, sector, 'VMDK');
    const size = capacityOf(head);
    const descriptorAt = head.readBigUInt64LE(28);
    const descriptorSectors = head.readBigUInt64LE(36);
    if (descriptorAt !== 1n || descriptorSectors < 1n || descriptorSectors > 20n) {
      throw unsafe('the descriptor of its VMDK header is missing or out of place');
    }
    checkDescriptor(head);
    if (head.readBigUInt64LE(56) !== atEnd) return decided(size);
    return decided((end) => checkFooter(end, size));
  },
};

function capacityOf(header: Buffer): number {
  const version = header.readUInt32LE(4);
  if (version < 1 || version > 3) throw unsafe(`its VMDK version is ${version}, known are 1 to 3`);
  const sectors = header.readBigUInt64LE(12);
  if (sectors === 0n) throw unsafe('its VMDK header has capacity 0');
  return sizeOf(sectors * BigInt(sector), 'VMDK');
}

function isSeSparse(head: Buffer): boolean {
  return head.length >= 8 && head.readBigUInt64LE(0) === 0xcafebaben;
}

/** A text file whose first line, comments apart, gives a version, and that goes on to describe a disk. */
function isDescriptor(head: Buffer): boolean {
  if (!/^[\s#v]/i.test(head.toString('latin1', 0, 1))) return false;
  const text = head.toString('latin1');
  if (!/createtype|disk descriptorfile/i.test(text)) return false;
  const first = text.split(/\r?\n/).find((line) => line.trim() !== '' && !line.startsWith('#'));
  return first === undefined || /^\s*version\s*=/i.test(first);
}

/**
 * QEMU takes the first place where a key's letters stand, comments included, and reads on to the first
 * NUL whatever length the header states: so each key may stand once, anywhere, in any case.
 */
function checkDescriptor(head: Buffer): void {
  const end = head.indexOf(0, sector);
  if (end < 0) throw unsafe('the descriptor in its VMDK header has no end');
  const text = head.toString('latin1', sector, end);
  if (count(text, /createtype/gi) !== 1) throw unsafe('its VMDK descriptor must give createType once');
  const type = /^createType\s*=\s*"([^"\r\n]*)"/im.exec(text)?.[1]?.toLowerCase();
  if (type !== 'monolithicsparse' && type !== 'streamoptimized') {
    throw unsafe('its VMDK descriptor has a createType other than monolithicSparse and streamOptimized');
  }
  if (count(text, /parentfilenamehint/gi) !== 0) throw unsafe('the VMDK image names a parent');
  if (count(text, /parentcid/gi) > 1) throw unsafe('its VMDK descriptor gives parentCID twice');
  if (/parentcid(?!\s*=\s*"?ffffffff\b)/i.test(text)) throw unsafe('the VMDK image is a delta over a parent');
  checkExtents(text.match(/^\s*(rw|rdonly|noaccess)\b.*$/gim) ?? []);
}

function checkExtents(lines: readonly string[]): void {
  if (lines.length !== 1) throw unsafe('its VMDK descriptor must have one extent');
  const fields = /^\s*\w+\s+\d+\s+(\w+)\s+"([^"]*)"\s*$/.exec(lines[0]!);
  if (fields === null || fields[1]!.toUpperCase() !== 'SPARSE' || /[/\\:]/.test(fields[2]!)) {
    throw unsafe('the extent in its VMDK descriptor reaches outside the file');
  }
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** The last three sectors: a marker of type 3, the header that counts, a zero marker. */
function checkFooter({ tail }: StreamEnd, headerSize: number): number {
  const at = tail.length - 3 * sector;
  if (at < 0 || tail.readUInt32LE(at + 12) !== 3 || !textAt(tail, at + sector, magic)) {
    throw damaged('the VMDK footer is missing, so data is missing too');
  }
  const size = capacityOf(tail.subarray(at + sector));
  if (size !== headerSize) throw unsafe('its VMDK header and footer claim different sizes');
  return size;
}
