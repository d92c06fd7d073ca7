/** What a disk format must offer to be recognised in a stream, sized and checked; and words for refusing. */
import { Failure } from '../../base/failure.ts';

/** A stretch of the stream, in bytes from its beginning. */
export interface Window {
  readonly offset: number;
  readonly length: number;
}

/** The end of the stream. */
export interface StreamEnd {
  /** The last bytes: `tailBytes` of them, or all there are. */
  readonly tail: Buffer;
  /** Length of the whole stream. */
  readonly size: number;
}

/** One stream under examination by the one format whose header it has. */
export interface Examination {
  /** Bytes further on that it has to see, at most `headBytes` of them, or null. */
  readonly wants: Window | null;
  /** The wanted bytes, fewer when the stream ended; afterwards it may want others, further on. */
  see(bytes: Buffer): void;
  /** The bytes that a guest sees, or null when the data does not say. */
  finish(end: StreamEnd): number | null;
}

export interface Format {
  readonly name: string;
  /** Whether the first bytes of a stream, `headBytes` or fewer when it is shorter, carry its header. */
  recognise(head: Buffer): boolean;
  /** Keeps nothing of `head`. Fails with unsafe_image when the header says that the data must not be opened. */
  examine(head: Buffer): Examination;
}

/** As long as a small pooled buffer. */
export const headBytes = 64 * 1024;
export const tailBytes = 4096;

/** For formats whose header says all: `virtualSize` when the stream ends, or a function that reads it. */
export function decided(virtualSize: number | null | ((end: StreamEnd) => number | null)): Examination {
  const finish = typeof virtualSize === 'function' ? virtualSize : () => virtualSize;
  return { wants: null, see: () => undefined, finish };
}

/** Data that could reach outside themselves, or whose header is nonsense to any honest reader. */
export function unsafe(sentence: string): Failure {
  return new Failure('unsafe_image', `The image is refused: ${sentence}.`);
}

/** Damaged or incomplete data: not dangerous, but not what was declared either. */
export function damaged(sentence: string): Failure {
  return new Failure('format_mismatch', `The data is damaged: ${sentence}.`);
}

/** A virtual size as a number. Fails with unsafe_image above 2^53 - 1, which no quota allows. */
export function sizeOf(bytes: bigint, format: string): number {
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw unsafe(`its ${format} header claims ${bytes} bytes`);
  return Number(bytes);
}

/** Whether `head` has at least `length` bytes; a shorter stream ends inside its header. */
export function requireHeader(head: Buffer, length: number, format: string): void {
  if (head.length < length) throw unsafe(`it ends inside its ${format} header`);
}

/** Whether the ASCII text stands at `offset`. */
export function textAt(bytes: Buffer, offset: number, text: string): boolean {
  return (
    bytes.length >= offset + text.length && bytes.toString('latin1', offset, offset + text.length) === text
  );
}
