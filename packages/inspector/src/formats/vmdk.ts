/** VMDK: the single-file kinds monolithicSparse and streamOptimized; everything that names other files is refused. */
import { latin1, textAt, u16le, u32le, u64le } from '../bytes.ts';
import {
  atEnd,
  claim,
  damaged,
  type Examination,
  type Format,
  readSome,
  unsafe,
  within,
} from '../examination.ts';
import { linesOf } from '../lines.ts';
import { checkDescriptor } from './vmdk-descriptor.ts';

const sector = 512;
const magic = 'KDMV';
const standsAtEnd = 0xffffffffffffffffn;
const mostDescriptorSectors = 20;

export const vmdk: Format = {
  name: 'vmdk',
  title: 'a vmdk image',
  role: 'layered',
  memory: 10 * mostDescriptorSectors * sector,
  recognise: (head) =>
    textAt(head, 0, magic) || textAt(head, 0, 'COWD') || isSeSparse(head) || isDescriptor(head),
  *examine() {
    const header = yield* readSome(0, sector);
    if (!textAt(header, 0, magic)) throw unsafe('this kind of VMDK keeps its data in other files');
    if (header.length < sector) throw unsafe('it ends inside its VMDK header');
    const capacity = capacityOf(header);
    checkFields(header);
    const virtualSize = yield* claim(capacity * BigInt(sector), 'VMDK header');
    const { createType, warnings } = checkDescriptor(yield* readDescriptor(), virtualSize / sector);
    const end = yield* atEnd();
    if (u64le(header, 56) === standsAtEnd) checkFooter(end.tail, header);
    const facts = {
      subformat: createType,
      version: u32le(header, 4),
      grainSize: Number(u64le(header, 20)) * sector,
    };
    return { virtualSize, warnings, facts };
  },
};

function capacityOf(header: Uint8Array): bigint {
  const version = u32le(header, 4);
  if (version < 1 || version > 3) throw unsafe(`its VMDK version is ${version}, known are 1 to 3`);
  const sectors = u64le(header, 12);
  if (sectors === 0n) throw unsafe('its VMDK header has capacity 0');
  return sectors;
}

function checkFields(header: Uint8Array): void {
  const descriptorSectors = u64le(header, 36);
  if (u64le(header, 28) !== 1n || descriptorSectors < 1n || descriptorSectors > mostDescriptorSectors)
    throw unsafe('the descriptor of its VMDK header is missing or out of place');
  const grain = u64le(header, 20);
  if (grain < 1n || grain > 0x200000n || (grain & (grain - 1n)) !== 0n)
    throw unsafe(`the grain size in its VMDK header is ${grain} sectors, which is no power of two in range`);
  within(u32le(header, 44), 1, 512, 'number of entries of a grain table in its VMDK header');
  within(u16le(header, 77), 0, 1, 'compression in its VMDK header');
}

function isSeSparse(head: Uint8Array): boolean {
  return u64le(head, 0) === 0xcafebaben && head.length >= 8;
}

/** A text file whose first line, comments apart, gives a version, and that goes on to describe a disk. */
function isDescriptor(head: Uint8Array): boolean {
  if (!/^[\s#v]/i.test(latin1(head, 0, 1))) return false;
  const text = latin1(head);
  if (!/createtype|disk descriptorfile/i.test(text)) return false;
  for (const line of linesOf(text))
    if (line.trim() !== '' && !line.startsWith('#')) return /^\s*version\s*=/i.test(line);
  return true;
}

/** Up to its first NUL, as QEMU reads it, whatever length the header states. */
function* readDescriptor(): Examination<string> {
  const window = yield* readSome(sector, mostDescriptorSectors * sector);
  const end = window.indexOf(0);
  if (end < 0) throw unsafe('the descriptor in its VMDK header has no end');
  return latin1(window, 0, end);
}

/** The last three sectors: a marker of type 3, the header that counts, a zero marker. */
function checkFooter(tail: Uint8Array, header: Uint8Array): void {
  const at = tail.length - 3 * sector;
  if (at < 0 || u32le(tail, at + 12) !== 3 || !textAt(tail, at + sector, magic))
    throw damaged('the VMDK footer is missing, so data is missing too');
  const footer = tail.subarray(at + sector, at + 2 * sector);
  if (capacityOf(footer) !== u64le(header, 12))
    throw unsafe('its VMDK header and footer claim different sizes');
  checkFields(footer);
  if (u64le(footer, 20) !== u64le(header, 20) || u32le(footer, 44) !== u32le(header, 44))
    throw unsafe('its VMDK header and footer differ');
}
