/** What the headers of an answer promise: which bytes follow, how many there are, and how to come back for the rest. */
import { Failure } from '../failure.ts';
import type { Answer } from './ask.ts';
import { nonsense, refused } from './failures.ts';

export interface Opening {
  /** Position of the body's first byte. */
  readonly first: number;
  /** Bytes of the whole object; null when the source does not say. */
  readonly size: number | null;
  /** For `If-Range`: equal validators mean equal bytes. Null when the source gives none that is strong. */
  readonly validator: string | null;
}

/** A date says nothing of changes within its second, nor of clocks that differ: it must be well in the past. */
const settledMs = 60_000;

/** `asked`: the first byte of the range asked for, or null. Fails with what the status means. */
export function readOpening(answer: Answer, asked: number | null): Opening {
  const { status, headers, target } = answer;
  const validator = validatorOf(headers);
  if (status === 200) return { first: 0, size: lengthOf(headers), validator };
  if (status === 416 && asked !== null) throw outOfRange(sizeIn(headers['content-range']));
  if (status !== 206 || asked === null) throw refused(target.url, answer);
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(headers['content-range'] ?? '');
  if (range === null || Number(range[1]) !== asked || Number(range[2]) < asked)
    throw nonsense(target.url, 'it answers with other bytes than those asked for');
  return { first: asked, size: range[3] === '*' ? null : Number(range[3]), validator };
}

/** The size of all, as an answer of status 416 has it. */
export function sizeIn(contentRange: string | undefined): number | null {
  const size = /^bytes \*\/(\d+)$/i.exec(contentRange ?? '');
  return size === null ? null : Number(size[1]);
}

export function outOfRange(size: number | null): Failure {
  const has = size === null ? 'fewer' : String(size);
  return new Failure('range_not_satisfiable', `The object has ${has} bytes.`);
}

function lengthOf(headers: Answer['headers']): number | null {
  const length = headers['content-length'];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : null;
}

function validatorOf(headers: Answer['headers']): string | null {
  const { etag, date, 'last-modified': modified } = headers;
  if (etag !== undefined) return /^"[^"]*"$/.test(etag) ? etag : null;
  if (modified === undefined || date === undefined) return null;
  return Date.parse(date) - Date.parse(modified) >= settledMs ? modified : null;
}
