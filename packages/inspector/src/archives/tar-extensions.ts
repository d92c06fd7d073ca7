/** Members of a tar archive that say something of the next one: long names, and what PAX overrides. */
import { detached, latin1, textUpToNul } from '../bytes.ts';
import { type Examination, readSome, unsafe } from '../examination.ts';
import type { TarHeader } from './tar-header.ts';

export interface Overrides {
  readonly name?: string;
  readonly size?: number;
  /** The size comes from here, not from the member's header: two readers may see two archives. */
  readonly changesSize: boolean;
}

export const noOverrides: Overrides = { changesSize: false };

const longestExtension = 64 * 1024;
/** Of longer names the rest is dropped: they are refused in an appliance, and only shown otherwise. */
const longestName = 4096;

/** What `header`, whose content begins at `at`, adds to what is known of the next member. */
export function* applyExtension(header: TarHeader, at: number, known: Overrides): Examination<Overrides> {
  if (header.size > longestExtension) throw unsafe('an extended header of its tar archive is too long');
  const content = yield* readSome(at, header.size);
  if (header.type === 'K') return known;
  if (header.type === 'L') return { ...known, name: textUpToNul(content, 0, longestName) };
  const { path, size } = recordsOf(latin1(content));
  const name = path ?? known.name;
  if (size === undefined) return { ...known, name };
  if (!/^\d{1,15}$/.test(size)) throw unsafe('an extended header of its tar archive states a nonsense size');
  return { name, size: Number(size), changesSize: true };
}

/** What matters here of records of the form `length key=value\n`. */
function recordsOf(text: string): { path?: string; size?: string } {
  const records: { path?: string; size?: string } = {};
  for (let at = 0; at < text.length; ) {
    const [start, digits] = /^(\d{1,6}) /.exec(text.slice(at, at + 8)) ?? [];
    const length = Number(digits);
    if (start === undefined || length <= start.length || at + length > text.length) break;
    const record = text.slice(at + start.length, at + length - 1);
    const value = record.slice(5, 5 + longestName + 1);
    if (record.startsWith('path=')) records.path = detached(value);
    if (record.startsWith('size=')) records.size = value;
    at += length;
  }
  return records;
}
