/** Compressed data: recognised, and with gzip the beginning of what is inside is looked at. */

import { reachesOut } from '../archives/names.ts';
import { latin1, textAt, u16le } from '../bytes.ts';
import {
  atEnd,
  damaged,
  type Examination,
  type Format,
  glimpse,
  RefusalError,
  readSome,
  unsafe,
} from '../examination.ts';
import { headBytes } from '../inspection.ts';
import { inflateStart } from './inflate.ts';

const packedNames: ReadonlySet<string> = new Set(['gzip', 'xz', 'zstd', 'bzip2', 'lha', 'zip']);
const flags = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 };

/** What is inside, by its beginning. Refuses what is unsafe in there. */
export function* lookInside(start: Uint8Array, title: string): Examination<string> {
  const { formats, looksLike, refusal } = yield* glimpse(start);
  if (formats.some((name) => packedNames.has(name)))
    throw new RefusalError('unfit', `inside the ${title} is ${looksLike}: it is packed twice`);
  if (refusal !== null) throw new RefusalError(refusal.kind, `inside the ${title}: ${refusal.reason}`);
  return looksLike;
}

export const gzip: Format = {
  name: 'gzip',
  title: 'gzip-compressed data',
  role: 'packed',
  memory: 3 * headBytes,
  recognise: (head) => textAt(head, 0, '\x1f\x8b\x08'),
  *examine() {
    const start = yield* readSome(0, headBytes);
    const inside = inflateStart(start.subarray(lengthOfHeader(start)), headBytes);
    if (inside === null) throw damaged('its gzip data is broken');
    const contains = yield* lookInside(inside.bytes, 'gzip-compressed data');
    const { size } = yield* atEnd();
    if (inside.end === 'input' && size <= headBytes) throw damaged('its gzip data has no end');
    return { virtualSize: null, facts: { contains } };
  },
};

function lengthOfHeader(start: Uint8Array): number {
  const given = start[3] ?? 0;
  if ((given & flags.reserved) !== 0) throw damaged('its gzip header is broken');
  let at = 10;
  if (given & flags.extra) at += 2 + u16le(start, at);
  for (const text of [flags.name, flags.comment]) {
    if ((given & text) === 0) continue;
    const end = start.indexOf(0, at);
    if (end < 0) throw damaged('its gzip header has no end');
    at = end + 1;
  }
  return given & flags.headerCrc ? at + 2 : at;
}

function unread(name: 'xz' | 'zstd' | 'bzip2', recognise: (head: Uint8Array) => boolean): Format {
  return {
    name,
    title: `${name}-compressed data`,
    role: 'packed',
    memory: 0,
    recognise,
    *examine() {
      yield* atEnd();
      return { virtualSize: null };
    },
  };
}

export const xz = unread('xz', (head) => textAt(head, 0, '\xfd7zXZ\0'));
export const zstd = unread('zstd', (head) => textAt(head, 0, '\x28\xb5\x2f\xfd'));
export const bzip2 = unread('bzip2', (head) => /^BZh[1-9]1AY&SY/.test(latin1(head, 0, 10)));

export const lha: Format = {
  name: 'lha',
  title: 'an lha archive',
  role: 'packed',
  memory: 512,
  recognise: (head) => /^-l[hz][0-9ds]-$/.test(latin1(head, 2, 7)) && head[20]! <= 3,
  *examine() {
    const header = yield* readSome(0, 22 + 255);
    const level = header[20]!;
    const name = level < 2 ? latin1(header, 22, 22 + (header[21] ?? 0)) : '';
    if (reachesOut(name)) throw unsafe('a file in it has a name that reaches outside');
    yield* atEnd();
    return { virtualSize: null, facts: { method: latin1(header, 2, 7) } };
  },
};
