/** One byte range of an image (API section 4, RFC 9110 section 14). */
import { Failure } from '../base/failure.ts';

/** Inclusive positions. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

function unsatisfiable(size: number): Failure {
  return new Failure('range_not_satisfiable', `The range lies outside the ${size} bytes of the image.`);
}

/** The range asked for, or null when the whole image is. Fails with several_ranges or range_not_satisfiable. */
export function readRange(
  range: string | undefined,
  contentRange: string | undefined,
  size: number,
): Range | null {
  // Glance: before Range was supported, clients asked with a Content-Range header.
  const legacy =
    contentRange === undefined ? undefined : /^bytes (\d+-\d+)\/(?:\*|\d+)$/.exec(contentRange.trim());
  if (range === undefined && legacy === undefined) return null;
  if (range === undefined && legacy === null) throw unsatisfiable(size);
  const text = range?.trim() ?? `bytes=${legacy![1]}`;
  if (text.includes(',')) throw new Failure('several_ranges', 'Only one range a request is served.');
  // Blanks are cut off afterwards: a pattern that allows for them takes seconds on thousands of them.
  const [, from = '', to = ''] = /^bytes=([^-]*)-([^-]*)$/i.exec(text)?.map((part) => part.trim()) ?? [];
  if (!/^\d*$/.test(from) || !/^\d*$/.test(to) || (from === '' && to === '')) throw unsatisfiable(size);
  return clamp(from, to, size);
}

function clamp(from: string, to: string, size: number): Range {
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const reversed = from !== '' && to !== '' && Number(to) < first;
  if (reversed || first > last) throw unsatisfiable(size);
  return { first, last };
}
