/** LUKS, versions 1 and 2: encrypted disks, sized by where their payload begins. No passphrase is ever tried. */
import { latin1, textAt, textUpToNul, u16be, u32be, u64be } from '../bytes.ts';
import { atEnd, damaged, type Examination, type Format, read, readSome, unsafe } from '../examination.ts';

const sector = 512;
const slots = { first: 208, bytes: 48, count: 8, active: 0x00ac71f3 };
const manyIterations = 100_000_000;
const binaryHeader = 4096;
const longestJson = 32 * 1024;

export const luks: Format = {
  name: 'luks',
  title: 'a LUKS-encrypted disk',
  role: 'other',
  memory: 16 * longestJson,
  recognise: (head) => textAt(head, 0, 'LUKS\xba\xbe'),
  *examine() {
    const start = yield* read(0, 592, 'LUKS header');
    const version = u16be(start, 6);
    if (version !== 1 && version !== 2) throw unsafe(`its LUKS version is ${version}, known are 1 and 2`);
    const { payload, length, warnings, facts } =
      version === 1 ? readVersion1(start) : yield* readVersion2(start);
    const { size } = yield* atEnd();
    if (payload !== null && (payload > size || (length !== null && payload + length > size)))
      throw damaged('the LUKS payload goes beyond the end of the data');
    const virtualSize = payload === null ? null : (length ?? size - payload);
    return { virtualSize, warnings, encryption: 'luks', facts: { ...facts, version } };
  },
};

interface Header {
  /** Where the encrypted disk begins, and its length if it does not go to the end; null: not understood. */
  readonly payload: number | null;
  readonly length: number | null;
  readonly warnings: readonly string[];
  readonly facts: Record<string, string | number>;
}

function readVersion1(start: Uint8Array): Header {
  const payload = u32be(start, 104) * sector;
  if (payload < start.length)
    throw unsafe('the payload of its LUKS header is elsewhere, or overlaps the header');
  const warnings = [];
  for (let slot = 0; slot < slots.count; slot += 1) {
    const at = slots.first + slot * slots.bytes;
    if (u32be(start, at) === slots.active && u32be(start, at + 4) > manyIterations)
      warnings.push(
        `key slot ${slot} asks for ${u32be(start, at + 4)} iterations: a passphrase takes hours to try`,
      );
  }
  const cipher = `${textUpToNul(start, 8, 32)}-${textUpToNul(start, 40, 32)}`.replace(/[^\x20-\x7e]/g, '?');
  return { payload, length: null, warnings, facts: { cipher } };
}

/** From the JSON behind the binary header. */
function* readVersion2(start: Uint8Array): Examination<Header> {
  const headerBytes = u64be(start, 8);
  if (headerBytes < 16384n || headerBytes > 4n * 1024n * 1024n)
    throw unsafe(`the length of its LUKS header is ${headerBytes}`);
  const area = yield* readSome(binaryHeader, Math.min(Number(headerBytes) - binaryHeader, longestJson));
  const end = area.indexOf(0);
  const segments = end < 0 ? null : segmentsOf(latin1(area, 0, end));
  if (segments === null)
    return { payload: null, length: null, warnings: ['its LUKS metadata are not understood'], facts: {} };
  const first = segments.toSorted((a, b) => a.offset - b.offset)[0]!;
  if (first.offset < Number(headerBytes))
    throw unsafe('the payload of its LUKS header is elsewhere, or overlaps the header');
  const warnings =
    segments.length > 1 ? ['its LUKS metadata have several segments: it is being re-encrypted'] : [];
  return { payload: first.offset, length: segments.length > 1 ? null : first.length, warnings, facts: {} };
}

interface Segment {
  readonly offset: number;
  /** Null: to the end. */
  readonly length: number | null;
}

/** Null when they are not understood. */
function segmentsOf(json: string): Segment[] | null {
  try {
    const { segments } = JSON.parse(json);
    const found = Object.values(segments as Record<string, { offset: unknown; size: unknown }>).map(
      ({ offset, size }) => ({ offset: Number(offset), length: size === 'dynamic' ? null : Number(size) }),
    );
    const isSound = ({ offset, length }: Segment) =>
      Number.isSafeInteger(offset) &&
      offset >= 0 &&
      (length === null || Number.isSafeInteger(length + offset));
    return found.length > 0 && found.every(isSound) ? found : null;
  } catch {
    return null;
  }
}
