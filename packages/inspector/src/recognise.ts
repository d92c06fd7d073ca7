/** What the beginning of the data shows, and whether it could be taken for two things. */
import type { Examination, Format } from './examination.ts';
import { formats } from './formats/table.ts';
import type { InspectOptions, Recognition, Refusal } from './inspection.ts';
import { lookOf } from './looks.ts';

export interface Recognised extends Recognition {
  /** In the order of the table: the first is the layer that matters most. */
  readonly matching: readonly Format[];
  readonly refusal: Refusal | null;
}

/** `head`: the first `headBytes` bytes, or all there are. */
export function recognise(head: Uint8Array): Recognised {
  const matching = formats.filter((format) => format.recognise(head));
  return {
    matching,
    formats: matching.map(({ name }) => name),
    looksLike: lookOf(head, matching),
    refusal: polyglot(matching),
  };
}

/**
 * Data that one tool takes for one thing and the next tool for another. An ISO may be UDF and have a
 * partition table, a raw disk may have any mark that proves nothing; a layered format has zeros where
 * 55 AA would stand.
 */
function polyglot(matching: readonly Format[]): Refusal | null {
  const isStrict = matching.some(({ role }) => role === 'layered' || role === 'archive');
  const counted = matching.filter(({ role }) => role !== 'hint' && (isStrict || role !== 'partitions'));
  const kinds = new Set(counted.map(({ role, name }) => (role === 'optical' ? role : name)));
  return kinds.size > 1 ? takenForTwo(counted.map(({ name }) => name)) : null;
}

export function takenForTwo(names: readonly string[]): Refusal {
  return { kind: 'unsafe', reason: `the data looks like ${names.join(' and ')} at once` };
}

/** Archives are opened from depth 1 on, what is packed is glimpsed at from depth 0 on. */
export function examinationOf(format: Format, depth: number, options: InspectOptions): Examination {
  const isClosed = (format.role === 'archive' && depth < 1) || (format.role === 'packed' && depth < 0);
  return isClosed ? leftClosed() : format.examine(options);
}

// biome-ignore lint/correctness/useYield: there is nothing to look at
function* leftClosed(): Examination {
  return { virtualSize: null };
}
