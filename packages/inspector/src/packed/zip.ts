/** Zip: as a compressed image it must hold one plain file, named alike in both of its headers. */
import { reachesOut } from '../archives/names.ts';
import { latin1, textAt, u16le, u32le } from '../bytes.ts';
import {
  atEnd,
  damaged,
  type Format,
  RefusalError,
  readSome,
  type StreamEnd,
  unsafe,
} from '../examination.ts';
import { headBytes } from '../inspection.ts';
import { type Inflated, inflateStart } from './inflate.ts';
import { lookInside } from './packed.ts';

const localHeader = 30;
const directoryEntry = 46;
const directoryEnd = 22;
const methods = { stored: 0, deflated: 8 };
const fileTypes = { mask: 0o170000, regular: 0o100000 };

export const zip: Format = {
  name: 'zip',
  title: 'a zip archive',
  role: 'packed',
  memory: 3 * headBytes,
  recognise: (head) => textAt(head, 0, 'PK\x03\x04'),
  *examine() {
    const start = yield* readSome(0, headBytes);
    if (start.length < localHeader) throw damaged('it ends inside its zip header');
    const name = latin1(start, localHeader, localHeader + u16le(start, 26));
    if (reachesOut(name)) throw unsafe('a file in it has a name that reaches outside');
    const inside = unpackStart(start);
    const contains = inside === null ? 'unknown' : yield* lookInside(inside.bytes, 'zip archive');
    checkDirectory(yield* atEnd(), name, inside?.bytes.length ?? 0);
    return { virtualSize: null, facts: { contains } };
  },
};

/** Null when it is packed in another way, or encrypted. */
function unpackStart(start: Uint8Array): Inflated | null {
  const isEncrypted = (u16le(start, 6) & 1) !== 0;
  const method = u16le(start, 8);
  const data = start.subarray(localHeader + u16le(start, 26) + u16le(start, 28));
  if (isEncrypted) throw unfit('its content is encrypted');
  if (method === methods.stored) return storedIn(data, u32le(start, 18));
  if (method !== methods.deflated) return null;
  const inside = inflateStart(data, headBytes);
  if (inside === null) throw damaged('the data in its zip archive is broken');
  return inside;
}

/** A size of zero stands for one that follows the data. */
function storedIn(data: Uint8Array, size: number): Inflated {
  return { bytes: size === 0 ? data : data.subarray(0, size), end: 'input' };
}

/** The directory at the end, when it fits the kept end: that of one file does. */
function checkDirectory({ tail }: StreamEnd, name: string, seen: number): void {
  const end = latin1(tail).lastIndexOf('PK\x05\x06');
  if (end < 0 || end + directoryEnd > tail.length) throw damaged('its zip directory is missing');
  const files = u16le(tail, end + 10);
  if (files !== 1) throw unfit(`it holds ${files} files, and a compressed image is one`);
  const at = end - u32le(tail, end + 12);
  if (!textAt(tail, at, 'PK\x01\x02')) throw damaged('its zip directory is broken');
  if (latin1(tail, at + directoryEntry, at + directoryEntry + u16le(tail, at + 28)) !== name)
    throw unsafe('its two zip headers name different files');
  const mode = u32le(tail, at + 38) >>> 16;
  const type = mode & fileTypes.mask;
  if (type !== 0 && type !== fileTypes.regular) throw unsafe('what it holds is no plain file');
  if (name.endsWith('/')) throw unfit('it holds a directory, and a compressed image is a file');
  if (u32le(tail, at + 24) < seen) throw damaged('its zip directory states a smaller size than it has');
  if ((u16le(tail, at + 8) & 1) !== 0) throw unfit('its content is encrypted');
}

function unfit(reason: string): RefusalError {
  return new RefusalError('unfit', reason);
}
