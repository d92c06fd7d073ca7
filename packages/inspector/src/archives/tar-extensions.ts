/** Members of a tar archive that say something of the next one: long names, and what PAX overrides. */
import { latin1, textUpToNul } from '../bytes.ts';
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

/** What `header`, whose content begins at `at`, adds to what is known of the next member. */
export function* applyExtension(header: TarHeader, at: number, known: Overrides): Examination<Overrides> {
  if (header.size > longestExtension) throw unsafe('an extended header of its tar archive is too long');
  const content = yield* readSome(at, header.size);
  if (header.type === 'K') return known;
  if (header.type === 'L') return { ...known, name: textUpToNul(content, 0, content.length) };
  const records = recordsOf(latin1(content));
  const name = records.get('path') ?? known.name;
  const size = records.get('size');
  if (size === undefined) return name === undefined ? known : { ...known, name };
  if (!/^\d{1,15}$/.test(size)) throw unsafe('an extended header of its tar archive states a nonsense size');
  return { ...(name === undefined ? {} : { name }), size: Number(size), changesSize: true };
}

/** Of the form `length key=value\n`. */
function recordsOf(text: string): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const [start, digits] = /^(\d{1,6}) /.exec(text.slice(at, at + 8)) ?? [];
    const length = Number(digits);
    if (start === undefined || length <= start.length || at + length > text.length) break;
    const record = text.slice(at + start.length, at + length - 1);
    const equals = record.indexOf('=');
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
